// What readers are told where something cannot be done: one sentence each, and everything else goes on.

// An error with both sentences: `code`, `zh`, `en`.
export function trouble(code, cause) {
  const { zh, en } = SENTENCES[code] ?? SENTENCES.failed;
  return Object.assign(new Error(en, { cause }), { code, zh, en });
}

// An error that has sentences, or what can be said of one that nobody has foreseen.
export const explained = (error) => (error.zh ? error : trouble("failed", error));

const SENTENCES = {
  file: {
    zh: "浏览器不让从磁盘打开的网页运行计算用的程序；要看算出来的特征图，请通过网站打开这一页，或在书的文件夹里运行 make serve。",
    en: "A browser does not let a page opened from the disk run what computes; to see computed maps, open this page from a web server, for example by make serve in the book's folder.",
  },
  "no-wasm": {
    zh: "这个浏览器没有 WebAssembly（SIMD），特征图算不了；请换一个近几年的浏览器。其余的照常可用。",
    en: "This browser lacks WebAssembly with SIMD, so the maps cannot be computed; take a browser of recent years. Everything else works.",
  },
  "no-webgpu": {
    zh: "这个浏览器没有可用的 WebGPU，请改用 WASM。",
    en: "This browser has no WebGPU that can be used; take WASM.",
  },
  lost: {
    zh: "浏览器收回了 GPU，现在改用 CPU（WASM）接着算。",
    en: "The browser took the GPU away; it goes on with the CPU (WASM).",
  },
  differs: {
    zh: "这块 GPU 算出来的数和 PyTorch 的不一样，所以改用 CPU（WASM）来算。",
    en: "This GPU's numbers are not PyTorch's, so the CPU (WASM) computes instead.",
  },
  altered: {
    zh: "这个浏览器算出来的数和书里印的有出入，多半是它改动了从图片读出的像素；图上标的是它自己算的数。",
    en: "This browser's numbers are not quite those printed in the book, most likely because it alters pixels that a page reads; what you read are its own.",
  },
  "bad-picture": {
    zh: "这个文件读不成图片：请换一个 PNG、JPEG 或 WebP 文件。",
    en: "This file cannot be read as a picture: use a PNG, JPEG or WebP file.",
  },
  "no-input": {
    zh: "没有这个输入：可选 photograph、edge、checkerboard、noise、pixel，或先选一张自己的图片（own）。",
    en: "There is no such input: take photograph, edge, checkerboard, noise, pixel, or choose a picture of your own first (own).",
  },
  "not-loaded": {
    zh: "计算用的程序没能载入：请检查网络，再试一次。",
    en: "What computes could not be loaded: check the network and try again.",
  },
  failed: {
    zh: "这一次没有算成；换一组设置试试，多半是内存不够。",
    en: "This could not be computed, most likely for want of memory; try other settings.",
  },
  "python-file": {
    zh: "浏览器不让从磁盘打开的网页运行 Python；请通过网站打开这一页，或在书的文件夹里运行 make serve。",
    en: "A browser does not let a page opened from the disk run Python; open this page from a web server, for example by make serve in the book's folder.",
  },
  "python-no-wasm": {
    zh: "这个浏览器没有 WebAssembly，运行不了 Python；请换一个近几年的浏览器，或在自己的电脑上运行 python -m linewalk。",
    en: "This browser lacks WebAssembly and cannot run Python; take a browser of recent years, or run python -m linewalk on your own machine.",
  },
  "python-stopped": {
    zh: "已经停止。改好代码再按一次按钮就行。",
    en: "It was stopped. Change the code and press the button again.",
  },
  "python-interrupted": {
    zh: "停下了，Python 里的变量也都没有了，请从头运行：只有主机发来隔离这一页的标头，才能只停代码、留下变量，这个网站没有发。",
    en: "It was stopped, and Python's variables went with it; run the cells from the top. Only a host that sends the headers which isolate a page lets the code stop and the variables stay, and this one does not.",
  },
  "python-deaf": {
    zh: "这一格停在一个不听招呼的调用里，只好连 Python 一起结束，变量也都没有了，请从头运行。",
    en: "This cell was inside a call that does not listen, so Python was ended, and its variables went with it; run the cells from the top.",
  },
  "python-restarted": {
    zh: "Python 重启了，这一格没有执行完。",
    en: "Python was restarted before this cell was done.",
  },
  "python-ended": {
    zh: "Python 自己结束了，多半是内存不够；请关掉别的标签页再试，或换一台内存大一些的机器。",
    en: "Python has ended by itself, most likely for want of memory; close other tabs and try again, or use a machine with more memory.",
  },
  "python-failed": {
    zh: "这段代码没能解释成；请换一段，或在自己的电脑上运行 python -m linewalk。",
    en: "This code could not be explained; try another, or run python -m linewalk on your own machine.",
  },
  ended: { zh: "计算已经停止。", en: "The computation was stopped." },
};

// What a reader takes along: the code with comments, Markdown, a notebook, an address for a friend.
import { element } from "../page/element.js";
import { words } from "../page/words.js";

export function takeaway({ link }) {
  const said = element("span", { className: "an-said", role: "status" });
  let answer = null;
  const copy = (text) => navigator.clipboard.writeText(text).then(
    () => { said.textContent = words("已复制。", "Copied."); },
    () => { said.textContent = words("浏览器不让复制，请用“下载”。", "The browser does not allow copying; download instead."); },
  );
  const save = (text, name, type) => {
    const address = URL.createObjectURL(new Blob([text], { type }));
    element("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };
  const buttons = [
    [words("复制带注释的代码", "Copy the commented code"), () => copy(answer.code)],
    [words("下载 .py", "Download .py"), () => save(answer.code, `${answer.chosen}.py`, "text/x-python")],
    [words("复制 Markdown", "Copy as Markdown"), () => copy(answer.markdown)],
    [words("下载笔记本 .ipynb", "Download notebook .ipynb"), () => save(answer.notebook, `${answer.chosen}.ipynb`, "application/x-ipynb+json")],
    [words("复制链接（带着代码）", "Copy a link that carries the code"), async () => copy(await link())],
  ].map(([textContent, onclick]) => element("button", { type: "button", textContent, onclick }));
  const box = element("div", {}, element("h2", { textContent: words("带走", "Take it along") }),
    element("div", { className: "an-bar" }, ...buttons, said));

  function show(found) {
    answer = found;
    said.textContent = "";
    box.hidden = !found.code;
  }

  return { box, show };
}

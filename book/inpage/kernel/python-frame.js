// The script of python-frame.html, a frame without an origin: it has no cookies, no storage and no network, and neither
// has the worker in it. It hands on what the page says, and what the worker answers.
const OFTEN = 40; // ms between what the page is told of a cell that prints without a pause
const STOP = 2; // the number of the signal SIGINT, which Python looks for

let worker = null;

// Memory that this frame shares with the worker while Python runs there, where the browser lets it.
const interrupts = globalThis.crossOriginIsolated ? new Uint8Array(new SharedArrayBuffer(1)) : null;

addEventListener("message", ({ data, source }) => {
  if (source !== parent) return;
  if (data.kind === "start") begin(data);
  else if (data.kind === "stop") end();
  else if (data.kind === "interrupt") interrupts[0] = STOP;
  else {
    if (interrupts) interrupts[0] = 0; // it was for what ran before
    worker?.postMessage(data);
  }
});

function begin({ script, ...start }) {
  end();
  worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  worker.onmessage = ({ data }) => (data.output ? gather(data) : pass(data));
  worker.onerror = (event) => {
    event.preventDefault();
    pass({ ended: event.message ?? "" });
  };
  worker.postMessage({ ...start, interrupts });
}

function end() {
  worker?.terminate();
  worker = null;
  gathered = [];
}

// What a cell puts out, a while's worth at once: text of one stream in one piece.
let gathered = [], due = null;

function gather({ id, output: [type, content] }) {
  const last = gathered.at(-1);
  if (type === "stream" && last?.type === "stream" && last.content.name === content.name) last.content.text += content.text;
  else gathered.push({ id, type, content });
  due ??= setTimeout(hand, OFTEN);
}

function hand() {
  clearTimeout(due);
  due = null;
  for (const { id, type, content } of gathered.splice(0)) tell({ id, output: { type, content } });
}

function pass(data) {
  hand();
  tell(data);
}

// The page alone holds this frame; what its origin is, nobody in here is told.
const tell = (data) => parent.postMessage(data, "*");

tell({ ready: true, interruptible: Boolean(interrupts) });

// The script of python-frame.html, a frame without an origin: it has no cookies, no storage and no network, and neither
// has the worker in it. It hands on what the page says, and what the worker answers.
const OFTEN = 40; // ms between what the page is told of a cell that prints without a pause
const AGAIN = 500; // ms from one interrupt to the next, until the cell has ended
const STOP = 2; // the number of the signal SIGINT, which Python looks for

let worker = null, card = null, insisting = null;

// Memory that this frame shares with the worker while Python runs there, where the browser lets it.
const interrupts = globalThis.crossOriginIsolated ? new Uint8Array(new SharedArrayBuffer(1)) : null;

addEventListener("message", ({ data, source }) => {
  if (source !== parent) return;
  if (data.kind === "start") begin(data);
  else if (data.kind === "stop") end();
  else if (data.kind === "interrupt") insist();
  else {
    if (interrupts) interrupts[0] = 0; // it was for what ran before
    worker?.postMessage(data);
  }
});

async function begin({ script, card: program, wish, ...start }) {
  end();
  const port = program ? await openCard(program, wish) : null;
  if (program && !card) return; // it was stopped in the meantime
  worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  worker.onmessage = ({ data }) => {
    if (data.left) card?.terminate();
    if (data.output) gather(data);
    else pass(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    pass({ ended: event.message ?? "" });
  };
  worker.postMessage({ ...start, interrupts, port }, port ? [port] : []);
}

// The way to the graphics card, or null where there is none that computes. Its worker is of a data: address, since
// browsers do not count a blob: of a frame without an origin as secure, and what is not has no WebGPU.
function openCard(program, wish) {
  const { port1, port2 } = new MessageChannel();
  card = new Worker(`data:text/javascript,${encodeURIComponent(program)}`);
  card.postMessage({ wish, port: port1 }, [port1]);
  return new Promise((resolve) => {
    card.onmessage = ({ data: { device } }) => resolve(device === "webgpu" ? port2 : null);
    card.onerror = (event) => {
      event.preventDefault();
      resolve(null);
    };
  }).then((port) => {
    tell({ device: port ? "webgpu" : "wasm" });
    return port;
  });
}

// Where Python hears of it in a destructor, it lets it go by.
function insist() {
  interrupts[0] = STOP;
  insisting = setInterval(() => { interrupts[0] = STOP; }, AGAIN);
}

function end() {
  clearInterval(insisting);
  worker?.terminate();
  card?.terminate();
  worker = card = null;
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
  clearInterval(insisting);
  hand();
  tell(data);
}

// The page alone holds this frame; what its origin is, nobody in here is told.
const tell = (data) => parent.postMessage(data, "*");

tell({ ready: true, interruptible: Boolean(interrupts) });

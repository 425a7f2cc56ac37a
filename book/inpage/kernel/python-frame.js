// The script of python-frame.html, a frame without an origin: it has no cookies, no storage and no network, and neither
// has the worker in it. It hands on what the page says, and what the worker answers.
let worker = null;

addEventListener("message", ({ data, source }) => {
  if (source !== parent) return;
  if (data.kind === "start") begin(data);
  else if (data.kind === "stop") end();
  else worker?.postMessage(data);
});

function begin({ script, ...start }) {
  end();
  worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  worker.onmessage = ({ data }) => tell(data);
  worker.onerror = (event) => {
    event.preventDefault();
    tell({ ended: event.message ?? "" });
  };
  worker.postMessage({ kind: "start", ...start });
}

function end() {
  worker?.terminate();
  worker = null;
}

// The page alone holds this frame; what its origin is, nobody in here is told.
const tell = (data) => parent.postMessage(data, "*");

tell({ ready: true });

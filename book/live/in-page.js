// A kernel like that of kernel.js, which is Python in this page (book/inpage/kernel): nothing leaves the browser.

import { KernelError } from "./kernel.js";

const INPAGE = new URL("../inpage/", import.meta.url);
const HURRY = 3000; // ms after which a cell that has not heard of an interrupt is ended

export class PageKernel {
  inert = true; // what its cells put out may come from anybody's code, and reaches neither page nor site

  /** The first argument is book/inpage/kernel/python.js. */
  constructor({ explained, pythonKernel, trouble, MEGABYTES }, words, onState, onLoading, onDevice) {
    Object.assign(this, { words, onState, onLoading, trouble, state: "none" });
    this.sentence = (error) => new KernelError(words(explained(error).zh, explained(error).en));
    const onProgress = (share) => onLoading(share, MEGABYTES);
    const onLeft = (why) => onDevice(this.device(), this.sentence(why).message);
    this.python = pythonKernel({ base: INPAGE, purpose: "run", onProgress, onLeft });
  }

  get ready() {
    return !["none", "dead", "starting"].includes(this.state);
  }

  async start() {
    this.become("starting");
    dress();
    try {
      await this.python.start();
      this.become("idle");
    } catch (error) {
      this.become("dead");
      throw this.sentence(error);
    } finally {
      this.onLoading(null);
    }
  }

  async execute(code, output) {
    this.become("busy");
    try {
      const good = await this.python.run(code, ({ type, content }) => output.take({ header: { msg_type: type }, content }));
      this.become("idle");
      return good;
    } catch (error) {
      if (this.state === "busy") this.become("dead");
      throw this.sentence(this.why ?? error);
    } finally {
      this.why = undefined;
    }
  }

  // Where it runs, in place of the name of a device.
  async evaluate() {
    return this.device();
  }

  device() {
    return this.python.device === "webgpu" ? this.words("本页，WebGPU", "this page, WebGPU") : this.words("本页，WASM", "this page, WASM");
  }

  async interrupt() {
    if (this.state === "busy" && !this.asked && this.python.interrupt()) {
      this.asked = setTimeout(() => this.stop("python-deaf"), HURRY);
    } else this.stop(this.asked ? "python-deaf" : "python-interrupted");
  }

  stop(why) {
    if (this.state === "busy") this.why = this.trouble(why);
    if (["busy", "starting"].includes(this.state)) this.python.stop();
  }

  async restart() {
    if (this.state === "busy") this.why = this.trouble("python-restarted");
    this.become("restarting");
    this.python.end();
    await this.start();
  }

  async leave() {
    this.python.end();
    this.become("none");
  }

  become(state, detail) {
    if (state !== "busy") this.asked = clearTimeout(this.asked);
    this.state = state;
    this.onState(state, detail);
  }
}

// The style sheet of what cells put out.
function dress() {
  const href = new URL("outputs.css", INPAGE).href;
  if (![...document.styleSheets].some((sheet) => sheet.href === href)) document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
}

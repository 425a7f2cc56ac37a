// A session: the cells of a page and the kernel that runs them, one after the other.

import { edit } from "./editor.js";
import { PageKernel } from "./in-page.js";
import { Kernel, KernelError } from "./kernel.js";
import { Output } from "./output.js";

// The name of the device that linewalk would choose.
const DEVICE = '(lambda linewalk: linewalk.device_name(linewalk.best_device()))(__import__("linewalk"))';

const FOLDED = ".tag_bootstrap, .tag_setup";

export { connect } from "./connect.js";

export class Session {
  /**
   * `server`: a Jupyter's; without it `python`, book/inpage/kernel/python.js, which runs in the page: `onLoading` hears
   * the share of it that has come, 0…1, of how many megabytes, and null when it is there.
   */
  constructor({ server, python, onLoading, cells, edition, words, status, message }) {
    Object.assign(this, { words, status, message });
    this.cells = new Map(cells.map((element) => [element, new Cell(element, edition, words, () => this.runOne(element))]));
    this.queue = [];
    const onState = (state, detail) => this.show(state, detail);
    const onDevice = (device, why) => this.moveTo(device, why);
    this.kernel = server ? new Kernel(server, words, onState) : new PageKernel(python, words, onState, onLoading, onDevice);
    this.device = "";
    addEventListener("pagehide", () => this.kernel.leave());
    // A page that the browser kept comes back without its kernel.
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }

  /** From now on another kernel, a Jupyter's, runs the cells. */
  async use(server) {
    for (const cell of this.queue.splice(0)) cell.rest();
    await this.kernel.leave();
    this.kernel = new Kernel(server, this.words, (state, detail) => this.show(state, detail));
    for (const cell of this.cells.values()) cell.forget();
    this.show("none");
  }

  async run(elements) {
    const cells = elements.map((element) => this.cells.get(element)).filter((cell) => !this.queue.includes(cell));
    for (const cell of cells) cell.wait();
    this.queue.push(...cells);
    if (!this.running) await (this.running = this.drain().finally(() => (this.running = undefined)));
  }

  /** A cell, after what the page begins with, folded away: that imports what all the others use. */
  runOne(element) {
    const elements = [...this.cells.keys()];
    const begins = elements.slice(0, elements.findIndex((one) => one === element || !one.matches(FOLDED)));
    return this.run([...begins.filter((one) => this.cells.get(one).state === "none"), element]);
  }

  runMissing(elements) {
    const last = elements.at(-1);
    return this.run(elements.filter((element) => element === last || this.cells.get(element).state !== "done"));
  }

  /**
   * A cell that judges an assignment's answers, after those and what is given, from the first on that has changed: a class
   * stands on the one above it. Each of them may fail. The tests the cell has itself.
   */
  async check(element) {
    const elements = [...this.cells.keys()];
    const judged = elements.slice(0, elements.indexOf(element) + 1).filter((one) => !one.matches(".tag_test"));
    const changed = judged.findIndex((one) => one === element || this.cells.get(one).state !== "done");
    this.judges = true;
    await this.run(judged.slice(changed)).finally(() => (this.judges = false));
  }

  async drain() {
    try {
      await this.start();
      while (this.queue.length) {
        const cell = this.queue[0];
        const good = await cell.run(this.kernel);
        this.queue.shift();
        if (!good && !this.judges) {
          if (cell.nameIsUnknown && this.skips(cell)) cell.say(this.words(
            "上面还有没运行过的格子，名字多半是在那里定义的：点“连同前面”。",
            "Cells above have not been run, and the name is most likely defined there: press “With cells above”.",
          ));
          break;
        }
      }
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.tell(error.message);
    }
    for (const cell of this.queue.splice(0)) cell.rest();
    this.show(this.kernel.state);
  }

  /** Whether a cell above `cell` has not been run. */
  skips(cell) {
    const cells = [...this.cells.values()];
    return cells.slice(0, cells.indexOf(cell)).some((one) => one.state === "none");
  }

  async start() {
    if (this.kernel.ready) return;
    this.tell("");
    this.device = "";
    for (const cell of this.cells.values()) cell.forget();
    await this.kernel.start();
    for (const cell of this.cells.values()) cell.edit();
    this.device = await this.kernel.evaluate(DEVICE);
  }

  /** It computes elsewhere from now on, and why. */
  moveTo(device, why) {
    this.device = device;
    this.show(this.kernel.state);
    this.tell(why);
  }

  interrupt() {
    for (const cell of this.queue.splice(1)) cell.rest();
    this.kernel.interrupt().catch((error) => this.tell(error.message));
  }

  async restart() {
    this.tell("");
    try {
      if (this.kernel.ready) await this.kernel.restart();
      else await this.start();
      for (const cell of this.cells.values()) cell.forget();
      this.tell(this.words("已重启，之前的变量都没有了。", "Restarted; all variables are gone."));
    } catch (error) {
      this.tell(error.message);
    }
  }

  reset() {
    for (const cell of this.cells.values()) cell.reset();
    this.tell("");
  }

  show(state, detail) {
    const { words } = this;
    const names = {
      none: words("还没有启动", "Not started"),
      starting: words("正在启动…", "Starting…"),
      idle: words("空闲", "Idle"),
      busy: words("运行中…", "Running…"),
      restarting: words("正在重启…", "Restarting…"),
      disconnected: words("连接断了，正在重连…", "Connection lost, trying again…"),
      dead: words("已停止", "Stopped"),
    };
    this.status.replaceChildren();
    if (this.device && !["none", "dead"].includes(state)) {
      this.status.append(Object.assign(document.createElement("b"), { className: "live-device", textContent: this.device }), " ");
    }
    this.status.append(names[state] ?? state);
    this.status.dataset.state = state;
    if (detail) this.tell(detail);
    if (state === "dead" || state === "restarting") for (const cell of this.cells.values()) cell.forget();
  }

  tell(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
  }
}

class Cell {
  constructor(element, edition, words, run) {
    Object.assign(this, { element, edition, words, runAlone: run });
    this.pre = element.querySelector(".cell_input pre");
    this.original = this.pre.dataset.original ?? this.pre.textContent; // before what book/_static/live/kept-answers.js kept
    this.printed = [...element.querySelectorAll(":scope > .cell_output")];
    this.state = "none";
  }

  get source() {
    return (this.editor?.source() ?? this.pre.textContent).replace(/\n$/, "");
  }

  edit() {
    this.editor ??= edit(this.pre, this.words("代码", "Code"), this.runAlone, () => this.forget());
  }

  wait() {
    this.mark("waiting");
  }

  /** No longer waiting. */
  rest() {
    if (this.state === "waiting" || this.state === "running") this.mark("none");
  }

  /** The kernel does not know, or no longer, what this cell does. */
  forget() {
    if (this.state === "done" || this.state === "failed") this.mark("none");
  }

  async run(kernel) {
    this.mark("running");
    this.live ??= this.addLive();
    const output = new Output(this.live, this.edition, this.words, kernel.inert);
    const good = await kernel.execute(this.source, output);
    this.nameIsUnknown = output.error === "NameError";
    this.mark(good ? "done" : "failed");
    return good;
  }

  /** A sentence below what the cell has put out. */
  say(text) {
    this.live.append(Object.assign(document.createElement("p"), { className: "live-lacking", textContent: text }));
  }

  addLive() {
    const live = Object.assign(document.createElement("div"), { className: "cell_output container live-output" });
    live.setAttribute("aria-live", "polite");
    for (const printed of this.printed) printed.hidden = true;
    if (this.printed.length) this.printed.at(-1).after(live);
    else this.element.append(live);
    return live;
  }

  reset() {
    this.live?.remove();
    this.live = undefined;
    for (const printed of this.printed) printed.hidden = false;
    this.editor?.replace(this.original);
  }

  mark(state) {
    this.state = this.element.dataset.live = state;
  }
}

// A kernel of a Jupyter server: its REST interface and the messages of its WebSocket, as far as running cells needs them.
// https://jupyter-client.readthedocs.io/en/stable/messaging.html

const PATIENCE = 90_000; // ms until a server must answer, and a kernel that it has started
const ANSWER = 10_000; // ms until whoever listens at an address must say what it is
const LONGEST = 1000; // characters in which it says so
const PROTOCOL = "bottleneck"; // of book/live.py's WebSocket
const ATTEMPTS = 6; // to find a server again that no longer answers, with longer and longer pauses

/** Something went wrong with the kernel; the message is for the reader. */
export class KernelError extends Error {}

export class Kernel {
  constructor(server, words, onState) {
    Object.assign(this, { server, words, onState, state: "none", pending: new Map() });
    // Requests go out from a window whose policy allows the server; see doorway() in connect.js.
    this.window = server.window ?? window;
    this.session = crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].join("");
  }

  get ready() {
    return Boolean(this.id) && this.state !== "dead";
  }

  async start() {
    this.become("starting");
    try {
      await this.checkVersion();
      const kernel = await this.ask("POST", "api/kernels", {});
      this.id = kernel.id;
      await this.connect();
      await this.answering();
      this.become("idle");
    } catch (error) {
      await this.leave();
      this.become("dead");
      throw error;
    }
  }

  /** Makes sure that a Jupyter answers; asks without a token, which is nobody else's business. */
  async checkVersion() {
    const { words } = this;
    const request = { credentials: "omit", redirect: "error", cache: "no-store", signal: AbortSignal.timeout(ANSWER) };
    if (!this.server.token) Object.assign(request, this.options("GET"));
    let response;
    try {
      response = await this.window.fetch(this.address("api"), request);
    } catch {
      throw new KernelError((await this.closed()) ? this.notForThisPage() : this.unreachable());
    }
    if (!this.server.token && response.status === 403) throw new KernelError(this.refused(403, {}));
    const answer = response.ok ? await beginning(response).then(JSON.parse).catch(() => null) : null;
    const version = answer?.version;
    const major = parseInt(version, 10);
    // Others answer with a version, too, but among other things.
    const plain = typeof version === "string" && /^\d+\.\d/.test(version) && Object.keys(answer).length === 1;
    if (!plain) throw new KernelError(this.noJupyter());
    if (major < 1) {
      throw new KernelError(
        words(`这个 Jupyter 服务器是 ${version} 版，太旧了；需要 jupyter_server 1 以上。`, `This Jupyter server is version ${version}, which is too old; jupyter_server 1 or newer is needed.`),
      );
    }
  }

  /** Runs code and hands its output messages to `output.take`. Returns whether it ran without an error. */
  async execute(code, output) {
    const { reply } = this.send("shell", "execute_request", { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: true }, output);
    const { content } = await reply;
    return content.status === "ok";
  }

  /** Returns the string that an expression gives, and an empty one where it fails. */
  async evaluate(expression) {
    const request = { code: "", silent: true, store_history: false, user_expressions: { value: expression }, allow_stdin: false };
    const { content } = await this.send("shell", "execute_request", request, null).reply;
    const text = content.user_expressions?.value?.data?.["text/plain"] ?? "''";
    return text.slice(1, -1);
  }

  async interrupt() {
    if (this.ready) await this.ask("POST", `api/kernels/${this.id}/interrupt`);
  }

  async restart() {
    this.become("restarting");
    this.expectRestart = true;
    try {
      this.fail(this.words("内核重启了，这一格没有执行完。", "The kernel was restarted before this cell was done."));
      await this.ask("POST", `api/kernels/${this.id}/restart`);
      this.disconnect();
      await this.connect();
      await this.answering();
      this.become("idle");
    } catch (error) {
      await this.leave();
      this.become("dead");
      throw error;
    } finally {
      this.expectRestart = false;
    }
  }

  /** Ends the kernel; goes through even while the page is being left. */
  async leave() {
    const { id } = this;
    this.id = undefined;
    this.disconnect();
    if (id) await this.window.fetch(this.address(`api/kernels/${id}`), this.options("DELETE", { keepalive: true })).catch(() => {});
  }

  // REST

  async ask(method, path, body) {
    let response;
    try {
      const more = { signal: AbortSignal.timeout(PATIENCE), ...(body && { body: JSON.stringify(body) }) };
      response = await this.window.fetch(this.address(path), this.options(method, more));
    } catch {
      throw new KernelError((await this.closed()) ? this.shut() : this.unreachable());
    }
    if (response.status === 204) return {};
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const gone = response.status === 404 && path.startsWith("api/kernels/");
    const why = gone ? this.gone() : this.refused(response.status, answer);
    throw Object.assign(new KernelError(why), { status: response.status });
  }

  refused(status, { message = "", reason = "" }) {
    const { words } = this;
    if (status === 401 || status === 403) {
      return this.server.token
        ? words("服务器不接受这个令牌。请从它的终端里重新复制。", "The server does not accept this token. Copy it anew from the server's terminal.")
        : words("服务器不认识这个浏览器。请在运行它的终端里按回车，打开新的链接。", "The server does not know this browser. Press Enter in the terminal where it runs, and open the new link.");
    }
    const why = [...new Set([message, reason].filter(Boolean))].join(" ");
    if (status === 404) return this.noJupyter();
    return words(`没能得到内核：${why || status}`, `No kernel could be had: ${why || status}`);
  }

  gone() {
    return this.words("这个内核已经不在了；再运行一次会新开一个。", "This kernel is gone; run a cell to get a new one.");
  }

  noJupyter() {
    return this.words(
      `${this.server.base} 这个地址上不是 Jupyter 服务器。${this.server.token && "令牌没有发给它。"}`,
      `What answers at ${this.server.base} is not a Jupyter server.${this.server.token && " The token was not sent to it."}`,
    );
  }

  /** Whether a server elsewhere answers, but not to this page: a browser does not let a page see why. */
  async closed() {
    if (!this.server.token) return false;
    const probe = { mode: "no-cors", credentials: "omit", signal: AbortSignal.timeout(ANSWER) };
    return this.window.fetch(this.server.base, probe).then(() => true, () => false);
  }

  notForThisPage() {
    const address = this.server.base.origin;
    return this.words(
      `${address} 上有程序在运行，但它不让这一页进去。它是用上面那条命令启动的 Jupyter 吗？令牌没有发给它。`,
      `Something runs at ${address} but does not let this page in. Is it a Jupyter, started with the command above? The token was not sent to it.`,
    );
  }

  shut() {
    return this.words(
      "服务器在运行，但不让这一页进去。令牌对吗？它是用上面那条命令启动的吗？",
      "The server is running but does not let this page in. Is the token right, and was it started with the command above?",
    );
  }

  unreachable() {
    const address = this.server.base.origin;
    return this.words(
      `连不上 ${address}。服务器还在运行吗？浏览器要是问“是否允许访问本地网络”，请选允许。`,
      `${address} does not answer. Is the server still running? If the browser asks whether this page may reach your local network, allow it.`,
    );
  }

  address(path) {
    return new URL(path, this.server.base);
  }

  options(method, more = {}) {
    const { base, token, key } = this.server;
    const headers = { "Content-Type": "application/json" };
    if (token || key) headers.Authorization = `token ${token || key}`;
    else if (base.origin === location.origin) headers["X-XSRFToken"] = cookie("_xsrf");
    const credentials = token || key ? "omit" : "same-origin";
    return { method, headers, credentials, redirect: "error", cache: "no-store", ...more };
  }

  // Messages

  connect() {
    const address = this.address(`api/kernels/${this.id}/channels`);
    address.protocol = address.protocol.replace("http", "ws");
    address.searchParams.set("session_id", this.session);
    // A browser cannot send a header with a WebSocket; this address is in no history.
    if (this.server.token) address.searchParams.set("token", this.server.token);
    return new Promise((resolve, reject) => {
      const socket = new this.window.WebSocket(address, this.server.key ? [PROTOCOL, this.server.key] : []);
      socket.onopen = () => {
        this.socket = socket;
        socket.onclose = () => this.lost();
        resolve();
      };
      socket.onclose = () => reject(new KernelError(this.unreachable()));
      socket.onmessage = ({ data }) => typeof data === "string" && this.receive(JSON.parse(data));
    });
  }

  disconnect() {
    if (this.socket) this.socket.onclose = null;
    this.socket?.close();
    this.socket = undefined;
  }

  async lost() {
    this.socket = undefined;
    const before = this.state;
    this.become("disconnected");
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 300 * 2 ** attempt));
      if (!this.id) return;
      try {
        await this.ask("GET", `api/kernels/${this.id}`);
        // The server has kept what the kernel said meanwhile.
        await this.connect();
        this.become(this.pending.size ? before : "idle", this.words("连接恢复了。", "Connected again."));
        return;
      } catch (error) {
        if (error.status) {
          this.end(error.message);
          return;
        }
      }
    }
    this.end(this.unreachable());
  }

  /** The kernel is gone for good. */
  end(reason) {
    this.id = undefined;
    this.disconnect();
    this.become("dead", reason);
    this.fail(reason);
  }

  send(channel, type, content, output) {
    if (!this.socket) throw new KernelError(this.unreachable());
    const header = { msg_id: `${this.session}-${(this.count = (this.count ?? 0) + 1)}`, msg_type: type, username: "", session: this.session, date: new Date().toISOString(), version: "5.3" };
    const request = { output };
    request.reply = new Promise((resolve, reject) => Object.assign(request, { resolve, reject }));
    request.reply.catch(() => {}); // whoever waits for it hears of it; a question that was given up has nobody waiting
    this.pending.set(header.msg_id, request);
    this.socket.send(JSON.stringify({ channel, header, parent_header: {}, metadata: {}, content, buffers: [] }));
    return request;
  }

  receive(message) {
    const { channel, header, parent_header: parent, content } = message;
    const request = this.pending.get(parent?.msg_id);
    if (header.msg_type === "status") {
      if (content.execution_state === "restarting") this.died();
      else if (content.execution_state === "dead") this.end(this.words("内核停止了，没能再启动。", "The kernel stopped and could not be started again."));
      else if (request && request.output) this.become(content.execution_state);
      if (content.execution_state === "idle" && request) this.settle(parent.msg_id, request, "idle", true);
    } else if (channel === "shell" && request) this.settle(parent.msg_id, request, "answer", message);
    else if (channel === "iopub" && request?.output) request.output.take(message);
  }

  /** A request is done when it has its answer and all of its output is there. */
  settle(id, request, part, value) {
    request[part] = value;
    if (!request.idle || !request.answer) return;
    this.pending.delete(id);
    request.resolve(request.answer);
  }

  died() {
    if (this.expectRestart) return;
    const text = this.words(
      "内核意外停止了（内存不够时常会这样），服务器又启动了一个新的。之前的变量都没有了，请从头运行。",
      "The kernel died (as happens when memory runs out) and the server has started a new one. All variables are gone; run the cells from the top.",
    );
    this.become("restarting", text);
    this.fail(text);
    this.answering().then(() => this.become("idle"), (error) => this.end(error.message));
  }

  fail(reason) {
    const requests = [...this.pending.values()];
    this.pending.clear();
    for (const request of requests) request.reject(new KernelError(reason));
  }

  /** Waits until the kernel answers; a kernel that is only just starting may not hear the first question. */
  async answering() {
    const until = Date.now() + PATIENCE;
    while (Date.now() < until) {
      if (!this.id) throw new KernelError(this.words("内核没有启动起来。", "The kernel did not start."));
      const { reply } = this.send("shell", "kernel_info_request", {}, null);
      const answer = await Promise.race([reply, new Promise((resolve) => setTimeout(resolve, 3000, null))]);
      if (answer) return;
    }
    throw new KernelError(this.words("内核启动了，但一直没有回答。", "The kernel was started but does not answer."));
  }

  become(state, detail) {
    this.state = state;
    this.onState(state, detail);
  }
}

/** The text of an answer, of which there may be no end: no more than a Jupyter would say. */
async function beginning(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
    if (text.length > LONGEST) {
      reader.cancel().catch(() => {});
      return "";
    }
  }
}

/** A cookie's value, if it can be one of Jupyter's: whoever serves anything from this host can set it to what they like. */
function cookie(name) {
  const found = document.cookie.match(`(?:^|; )${name}=([^;]*)`)?.[1] ?? "";
  try {
    return decodeURIComponent(found).replace(/[^!-~]/g, "");
  } catch {
    return "";
  }
}

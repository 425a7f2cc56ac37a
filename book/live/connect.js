// A page from any web host shows how its code can be run, and connects to a Jupyter server of the reader's own.

import { Kernel, KernelError } from "./kernel.js";
import { commands, nothingToInstall } from "./ways.js";

const HERE = ["127.0.0.1", "localhost"];
// Other names of this machine, as a terminal may show them; no policy can name an address of IPv6.
const ALSO_HERE = { "0.0.0.0": "127.0.0.1", "[::]": "localhost", "[::1]": "localhost" };
// Characters that nobody sees, as they are copied along from a chat or a document.
const UNSEEN = /[\p{Cf}\p{Variation_Selector}]/gu;
// What Jupyter shows in the browser, below the address that its API has.
const PAGES = /^((?:\/user\/[^/]+)?.*?)\/(?:lab|tree|notebooks|nbclassic|doc|edit|consoles|terminals|files|view|login|api)(?:\/.*)?$/;

let door;

export function connect(words, edition, connected) {
  const dialog = document.createElement("dialog");
  dialog.className = "live-dialog";
  dialog.setAttribute("aria-label", words("运行这些代码", "Run this code"));
  const field = (label, properties) => {
    const input = Object.assign(document.createElement("input"), { autocomplete: "off", spellcheck: false, ...properties });
    const made = document.createElement("label");
    made.append(label, input);
    return { made, input };
  };
  const text = (content) => Object.assign(document.createElement("p"), { textContent: content });
  const address = field(words("地址（把终端里打印的整行粘贴进来）", "Address (paste the whole line that the terminal shows)"), { inputMode: "url" });
  const token = field(words("令牌（终端里 token= 后面的那一串）", "Token (what follows token= in the terminal)"), { type: "password" });
  const problem = Object.assign(text(""), { className: "live-message", hidden: true });
  problem.setAttribute("role", "alert");
  const button = (label, type, action) => {
    const made = Object.assign(document.createElement("button"), { type, textContent: label });
    if (action) made.addEventListener("click", action);
    return made;
  };

  const form = document.createElement("form");
  const buttons = document.createElement("menu");
  buttons.append(button(words("连接", "Connect"), "submit"));
  form.append(
    ...commands(words),
    address.made,
    token.made,
    text(
      words(
        "浏览器可能会问是否允许这个网站访问本地网络里的设备：它指的就是您自己的电脑，允许之后才能连上。令牌只发给上面这个地址，而且先看清那里是不是 Jupyter。代码在您的电脑上运行；地址和令牌只留在这一页里，关掉就没有了。",
        "The browser may ask whether this site may reach devices on your local network: it means your own computer, and must be allowed to. The token goes to the address above only, once a Jupyter has answered there. The code runs on your computer; address and token stay in this page and are gone when it is closed.",
      ),
    ),
    problem,
    buttons,
  );

  /** Puts the halves of an address with a token into their fields. A token that was typed counts more. */
  const take = (text, typed) => {
    const found = printed(text);
    if (!found) return false;
    address.input.value = found.base;
    token.input.value = typed || found.token || token.input.value;
    return true;
  };
  for (const { input } of [address, token]) {
    input.addEventListener("paste", (event) => {
      if (take(event.clipboardData.getData("text"))) event.preventDefault();
    });
  }

  let asking = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (asking) return;
    asking = true;
    problem.hidden = true;
    take(address.input.value, token.input.value) || take(token.input.value);
    try {
      const server = { base: base(address.input.value, words), token: secret(token.input.value, words), window: await doorway(words) };
      const kernel = new Kernel(server, words, () => {});
      await kernel.checkVersion();
      await kernel.ask("GET", "api/kernels");
      if (!dialog.open) return;
      dialog.close();
      connected(server);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      asking = false;
    }
  });
  const close = button("×", "button", () => dialog.close());
  close.className = "live-close";
  close.setAttribute("aria-label", words("关闭", "Close"));
  // A telephone has no Jupyter of its own.
  const own = Object.assign(document.createElement("details"), { open: !matchMedia("(max-width: 767px)").matches });
  const summary = Object.assign(document.createElement("summary"), { textContent: words("连接我自己电脑上的 Jupyter", "Connect to a Jupyter on my own computer") });
  own.append(summary, form);
  dialog.append(close, ...nothingToInstall(words, edition), own);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * A window that may connect to this computer, as no page's own policy allows (book/policy.py). It is an empty page of
 * this site in a frame, and stays while the page does: the requests are its own.
 */
function doorway(words) {
  door ??= open(words).catch((error) => {
    door = undefined;
    throw error;
  });
  return door;
}

function open(words) {
  const frame = Object.assign(document.createElement("iframe"), { src: new URL("connect.html", import.meta.url), hidden: true });
  return new Promise((resolve, reject) => {
    frame.addEventListener("load", () => {
      if (frame.contentDocument?.querySelector("meta[name=connects]")) resolve(frame.contentWindow);
      else reject(new KernelError(words("没能载入 live/connect.html，连接要经过它。", "live/connect.html, which connections go through, could not be loaded.")));
    });
    document.body.append(frame);
  });
}

/**
 * The server's address and its token, of whatever stands around them: a terminal shows lines like
 * `http://host:8888/lab?token=… or http://127.0.0.1:8888/lab?token=…`, one of which leads to this machine.
 */
function printed(text) {
  const whole = visible(text).replace(/(token=[\da-f]+)\r?\n([\da-f]+)[ \t]*$/gm, "$1$2"); // as a narrow terminal breaks it
  const plain = whole.replace(/\([^()]* or ([^()\s]+)\)/g, "$1").trim();
  const lines = /^[\w.-]+:\d+(?:\/|$)/.test(plain) ? `http://${plain}` : plain;
  const addresses = (lines.match(/https?:\/\/(?:(?!https?:\/\/)[^\s"'`<>()|,;“”‘’「」『』《》【】、。])+/gi) ?? []).flatMap(parsed);
  const found = addresses.sort((a, b) => rank(a) - rank(b))[0];
  if (!found) return null;
  const token = (found.searchParams.get("token") ?? "").replace(/[.:!?]+$/, "");
  found.search = found.hash = found.username = found.password = "";
  found.hostname = ALSO_HERE[found.hostname] ?? found.hostname;
  found.pathname = `${found.pathname.replace(PAGES, "$1").replace(/[/.:!?]+$/, "")}/`;
  return { base: found.href, token };
}

function visible(text) {
  return text.normalize("NFKC").replace(UNSEEN, "");
}

function parsed(text) {
  try {
    return [new URL(text)];
  } catch {
    return [];
  }
}

function rank({ hostname }) {
  const place = HERE.indexOf(hostname);
  return place < 0 ? HERE.length : place;
}

/** The address of a server that may be given the token. */
function base(text, words) {
  const found = printed(text);
  if (!found) {
    throw new KernelError(words("地址应当像 http://127.0.0.1:8888/ 这样。", "The address should look like http://127.0.0.1:8888/."));
  }
  const address = new URL(found.base);
  if (address.origin === location.origin) return address;
  if (HERE.includes(address.hostname)) {
    if (address.protocol === "http:") return address;
    throw new KernelError(
      words(
        "这一页只能用 http:// 连到您自己电脑上的 Jupyter：启动它时请不要加证书（--certfile）。令牌没有发出去。",
        "This page can reach a Jupyter on your own computer by http:// only: start it without a certificate (--certfile). The token was not sent.",
      ),
    );
  }
  throw new KernelError(
    words(
      `令牌会发给 ${address.host}，所以没有发：这一页只能连到您自己电脑上的 Jupyter（127.0.0.1 或 localhost）。别的机器上的，可以先用 ssh -L 8888:127.0.0.1:8888 接过来。`,
      `The token would go to ${address.host} and was not sent: this page connects to a Jupyter on your own computer only (127.0.0.1 or localhost). One on another machine can be brought here with ssh -L 8888:127.0.0.1:8888.`,
    ),
  );
}

function secret(text, words) {
  const token = visible(text).replace(/^.*token=/s, "").replace(/[&#].*$/s, "").replace(/["'`“”‘’\s]/g, "");
  if (/^[!-~]+$/.test(token)) return token;
  throw new KernelError(words("请填上令牌：终端里 token= 后面的那一串。", "Fill in the token: what follows token= in the terminal."));
}

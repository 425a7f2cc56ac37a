// A page from any web host connects to a Jupyter server of the reader's own.

import { Kernel, KernelError } from "./kernel.js";

export function connect(words, connected) {
  const command = `jupyter server --no-browser --ServerApp.allow_origin=${location.origin}`;
  const dialog = document.createElement("dialog");
  dialog.className = "live-dialog";
  dialog.setAttribute("aria-label", words("连接我的 Jupyter", "Connect to my Jupyter"));
  const field = (label, properties) => {
    const input = Object.assign(document.createElement("input"), { required: true, autocomplete: "off", spellcheck: false, ...properties });
    const made = document.createElement("label");
    made.append(label, input);
    return { made, input };
  };
  const text = (content) => Object.assign(document.createElement("p"), { textContent: content });
  const address = field(words("地址", "Address"), { type: "url", value: "http://localhost:8888/" });
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
  buttons.append(
    button(words("取消", "Cancel"), "button", () => dialog.close()),
    button(words("连接", "Connect"), "submit"),
  );
  const shown = Object.assign(document.createElement("pre"), { textContent: command });
  form.append(
    text(words("在装好了本书代码的环境里启动一个只接受这个网站的 Jupyter：", "In an environment that has this book's code, start a Jupyter that lets only this site in:")),
    shown,
    address.made,
    token.made,
    text(
      words(
        "浏览器可能会问是否允许这个网站访问本地网络里的设备：它指的就是您自己的电脑，允许之后才能连上。代码在您的电脑上运行；地址和令牌只留在这一页里，关掉就没有了。",
        "The browser may ask whether this site may reach devices on your local network: it means your own computer, and must be allowed to. The code runs on your computer; address and token stay in this page and are gone when it is closed.",
      ),
    ),
    problem,
    buttons,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const server = { base: folder(address.input.value, words), token: token.input.value.trim() };
      const kernel = new Kernel(server, words, () => {});
      await kernel.checkVersion();
      await kernel.ask("GET", "api/kernels");
      dialog.close();
      connected(server);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      problem.textContent = error.message;
      problem.hidden = false;
    }
  });
  dialog.append(form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** The server's address: of what was pasted, without page and token. */
function folder(text, words) {
  const address = URL.canParse?.(text) ? new URL(text) : null;
  if (!address || !address.protocol.startsWith("http")) {
    throw new KernelError(words("地址应当像 http://localhost:8888/ 这样。", "The address should look like http://localhost:8888/."));
  }
  address.search = address.hash = "";
  address.pathname = address.pathname.replace(/\/(lab|tree|notebooks)?\/?$/, "/");
  return address;
}

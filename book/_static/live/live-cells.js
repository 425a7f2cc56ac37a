// Run buttons. They are there where the page came from a Jupyter server (book/live.py says so in a <meta>), or once the
// reader has connected to one. What runs the cells is heavy, and is loaded when a reader first asks for it.

(() => {
const runner = new URL("../../../live/live.js", document.currentScript.src);
const edition = document.querySelector(".language-switch [aria-current]")?.dataset.edition ?? "both";
const words = (zh, en) => ({ zh, en, both: `${zh} / ${en}` })[edition];
const cells = [...document.querySelectorAll("div.cell")].filter((cell) => cell.querySelector(".cell_input pre"));
const own = document.querySelector("meta[name=jupyter-server]");

if (cells.length) {
  if (own) offer({ base: new URL(own.content, location), token: "", key: kept(own.dataset.key) });
  else if (location.protocol !== "file:") offerToConnect(); // a page on the disk may not load what runs the code
}

// What the entrance of book/live.py has put there. A cookie would go to every port of this machine, this does not.
function kept(key) {
  try {
    return (key && localStorage.getItem(key)) || "";
  } catch {
    return "";
  }
}

// A browser may remember that a module could not be loaded: another address is another try.
let failures = 0;
function load() {
  if (failures) runner.search = failures;
  return import(runner).catch((error) => {
    failures += 1;
    throw error;
  });
}

function offer(server) {
  const bar = element("div", { className: "live-bar", role: "group" });
  bar.setAttribute("aria-label", words("内核", "Kernel"));
  const status = element("output", { className: "live-status", textContent: words("还没有启动", "Not started") });
  const message = alertBelow(bar);

  let session;
  const start = () => {
    session ??= begin().catch((error) => {
      session = undefined;
      status.textContent = words("没有启动", "Not started");
      tellNotLoaded(message, error);
      throw error;
    });
    return session;
  };
  const begin = async () => {
    status.textContent = words("正在载入…", "Loading…");
    const progress = element("progress", {});
    status.append(" ", progress);
    const { Session } = await load();
    return new Session({ server, cells, edition, words, status, message });
  };
  const act = (action) => () => start().then(action, () => {});

  bar.append(
    status,
    button(words("全部执行", "All cells"), act((session) => session.run(cells))),
    button(words("中断", "Interrupt"), () => session?.then((session) => session.interrupt())),
    button(words("重启", "Restart"), () => session?.then((session) => session.restart())),
    button(words("还原", "Reset"), () => session?.then((session) => session.reset()), words("还原成原来的页面", "Put the page back as it was")),
  );
  cells.forEach((cell, index) => {
    const buttons = element("div", { className: "live-buttons" });
    buttons.append(button(words("运行", "Run"), act((session) => session.run([cell]))));
    if (index) {
      const above = words("先执行前面还没有执行的格子，再执行这一格", "First the cells above that have not been executed, then this one");
      const until = cells.slice(0, index + 1);
      buttons.append(button(words("连同前面", "With cells above"), act((session) => session.runMissing(until)), above));
    }
    // A card can be fetched anew without its code being looked at.
    cell.querySelector(cell.matches(".fetches-a-card") ? ".fold" : ".cell_input").after(buttons);
  });
  return start;
}

function offerToConnect() {
  const message = alertBelow();
  const open = button("", () => {
    message.hidden = true;
    load().then(({ connect }) => connect(words, edition, connected), (error) => tellNotLoaded(message, error));
  });
  open.classList.add("live-connect");
  open.append(element("span", { textContent: words("运行这些代码", "Run this code") }));
  const connected = (server) => {
    open.remove();
    message.remove();
    offer(server)();
  };
  document.querySelector(".header-article-items__end, .bd-article").prepend(open);
}

// A line for what goes wrong, below `above`.
function alertBelow(...above) {
  const message = element("div", { className: "live-message", role: "alert", hidden: true });
  document.querySelector(".bd-header-article, .bd-article").append(...above, message);
  return message;
}

function tellNotLoaded(message, error) {
  message.textContent = words("没能载入运行代码的部件：", "What runs the code could not be loaded: ") + error.message;
  message.hidden = false;
}

function button(text, action, title = "") {
  const made = element("button", { type: "button", textContent: text, title });
  made.addEventListener("click", action);
  return made;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
})();

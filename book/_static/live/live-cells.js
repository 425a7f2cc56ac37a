// Run buttons. Where the page came from a Jupyter server (book/live.py says so in a <meta>), or the reader has connected
// to one, that runs the cells; elsewhere Python in the page itself does. What runs them is heavy, and is loaded when a
// reader first asks for it.

(() => {
const runner = new URL("../../../live/live.js", document.currentScript.src);
const inPage = new URL("../../../inpage/python.js", document.currentScript.src);
const edition = document.querySelector(".language-switch [aria-current]")?.dataset.edition ?? "both";
const words = (zh, en) => ({ zh, en, both: `${zh} / ${en}` })[edition];
const cells = [...document.querySelectorAll("div.cell")].filter((cell) => cell.querySelector(".cell_input pre"));
const own = document.querySelector("meta[name=jupyter-server]");

if (cells.length) {
  if (own) offer({ server: { base: new URL(own.content, location), token: "", key: kept(own.dataset.key) } });
  else if (location.protocol !== "file:") offerToConnect(offer({})); // a page on the disk may not load what runs the code
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
function load(module) {
  if (failures) module.search = failures;
  return import(module).catch((error) => {
    failures += 1;
    throw error;
  });
}

// Gives every cell its buttons; returns what connects them to a server. Without one, the bar is there from the first
// click on.
function offer({ server }) {
  const bar = element("div", { className: "live-bar", role: "group", hidden: !server });
  bar.setAttribute("aria-label", words("内核", "Kernel"));
  const status = element("output", { className: "live-status", textContent: words("还没有启动", "Not started") });
  const message = alertBelow(bar);
  const note = loadingNote();

  let session;
  const start = () => {
    bar.hidden = false;
    session ??= begin().catch((error) => {
      session = undefined;
      status.textContent = words("没有启动", "Not started");
      tellNotLoaded(message, error);
      throw error;
    });
    return session;
  };
  const begin = async () => {
    message.hidden = true;
    status.textContent = words("正在载入…", "Loading…");
    const progress = element("progress", {});
    status.append(" ", progress);
    const [{ Session }, python] = await Promise.all([load(runner), server ? null : load(inPage)]);
    return new Session({ server, python, onLoading: note.show, cells, edition, words, status, message });
  };
  const act = (action, cell) => () => {
    note.goTo(cell);
    return start().then(action, () => {});
  };

  bar.append(
    status,
    button(words("全部执行", "All cells"), act((session) => session.run(cells), cells[0])),
    button(words("中断", "Interrupt"), () => session?.then((session) => session.interrupt())),
    button(words("重启", "Restart"), () => session?.then((session) => session.restart())),
    button(words("还原", "Reset"), () => session?.then((session) => losesNoAnswer() && session.reset()), words("还原成原来的页面", "Put the page back as it was")),
  );
  cells.forEach((cell, index) => {
    const buttons = element("div", { className: "live-buttons" });
    const checksAll = cell.matches(".tag_check-all"); // the answers of an assignment
    buttons.append(button(words("运行", "Run"), act((session) => (checksAll ? session.check(cell) : session.runOne(cell)), cell)));
    if (index && !checksAll) {
      const above = words("先执行前面还没有执行的格子，再执行这一格", "First the cells above that have not been executed, then this one");
      const until = cells.slice(0, index + 1);
      buttons.append(button(words("连同前面", "With cells above"), act((session) => session.runMissing(until), cell), above));
    }
    // A card can be fetched anew without its code being looked at.
    cell.querySelector(cell.matches(".fetches-a-card") ? ".fold" : ".cell_input").after(buttons);
  });
  return async (connected) => {
    server = connected;
    if (session) await session.then((session) => session.use(server));
    else await start();
  };
}

// Whether a reader may put the page back: on an assignment's page that takes away what book/_static/live/kept-answers.js keeps.
function losesNoAnswer() {
  const written = document.querySelector(".answer-kept:not([hidden])");
  return !written || confirm(words("您写的答案都会换成题目原来的样子。真的要还原吗？", "All answers that you wrote give way to the page's own text. Put it back?"));
}

// What is being loaded, said below the cell that was asked for.
function loadingNote() {
  const text = element("span", {});
  const progress = element("progress", { max: 1, value: 0 });
  progress.setAttribute("aria-label", words("正在载入", "Loading"));
  const note = element("div", { className: "live-loading", role: "status", hidden: true });
  note.append(text, " ", progress);
  return {
    goTo: (cell) => note.hidden && cell.querySelector(".live-buttons").after(note),
    show(share, megabytes) {
      note.hidden = share === null;
      progress.value = share ?? 0;
      text.textContent = words(
        `正在把 Python 载入这一页：约 ${megabytes} MB，头一次才下载，浏览器会留着。代码只在这一页里运行，不会发给任何人。`,
        `Loading Python into this page: about ${megabytes} MB, downloaded the first time only; the browser keeps it. The code runs in this page and is sent to nobody.`,
      );
    },
  };
}

function offerToConnect(use) {
  const message = alertBelow();
  const open = button("", () => {
    message.hidden = true;
    load(runner).then(({ connect }) => connect(words, edition, connected), (error) => tellNotLoaded(message, error));
  });
  open.classList.add("live-connect");
  open.append(element("span", { textContent: words("运行这些代码", "Run this code") }));
  const connected = (server) => {
    open.remove();
    message.remove();
    use(server).catch(() => {}); // the bar has said so
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

// What a reader writes into an assignment's answer cells stays in this browser, and goes along in a notebook.

(() => {
const edition = document.querySelector(".language-switch [aria-current]")?.dataset.edition ?? "both";
const words = (zh, en) => ({ zh, en, both: `${zh} / ${en}` })[edition];
const assignment = location.pathname.split("/").pop().replace(/\.html$/, "");
const KEPT = `bottleneck-answers-${assignment}`; // the three editions have the same code
const answers = [...document.querySelectorAll("div.cell.tag_answer")].map((cell) => new Answer(cell));

if (answers.length && location.protocol !== "file:") {
  const taking = takingAlong();
  document.querySelector("div.cell.tag_check-all").append(taking.line);
  for (const answer of answers) answer.watch(taking.show);
  taking.show();
}

// Hoisted, as functions are: `answers` is made above.
function Answer(cell) {
  const pre = cell.querySelector(".cell_input pre");
  const name = [...cell.classList].find((one) => one.startsWith("tag_answer-")).slice("tag_answer-".length);
  const original = pre.textContent;
  const line = Object.assign(document.createElement("p"), { className: "answer-kept", hidden: true });
  pre.dataset.original = original; // what book/live/live.js puts back
  cell.querySelector(".cell_input").after(line);

  this.name = name;
  this.source = () => (pre.textContent === original ? null : pre.textContent);
  this.watch = (changed) => {
    const before = read()[name];
    if (typeof before === "string") pre.textContent = before;
    const tell = (isKept) => {
      line.hidden = this.source() === null;
      line.textContent = isKept
        ? words("您写的代码留在这个浏览器里，刷新、关掉都不会丢。", "What you wrote stays in this browser, whether you reload or close the page.")
        : words("这个浏览器不让网页留东西：离开这一页之前，把代码复制走。", "This browser lets pages keep nothing: copy your code before you leave this page.");
    };
    tell(true);
    // The editor writes into the printed code what is changed.
    new MutationObserver(() => {
      tell(keep(name, this.source()));
      changed();
    }).observe(pre, { childList: true });
  };
}

function takingAlong() {
  const line = Object.assign(document.createElement("p"), { className: "answer-kept" });
  const button = Object.assign(document.createElement("button"), {
    type: "button",
    textContent: words("下载笔记本，里面填好了您写的代码", "Download the notebook with your code filled in"),
  });
  button.addEventListener("click", () => takeAlong().catch(() => button.after(" ", words("没能下载，请再试一次。", "It could not be downloaded; try again."))));
  line.append(words("交作业要用笔记本，说明题也在里面写：", "You hand in the notebook, in which you also answer the questions in words: "), button);
  return { line, show: () => { line.hidden = answers.every((answer) => answer.source() === null); } };
}

async function takeAlong() {
  const link = document.querySelector(`.elsewhere-menu a[download$=".${edition}.ipynb"]`);
  const notebook = await (await fetch(link.href)).json();
  for (const answer of answers) {
    const cell = notebook.cells.find(({ id }) => id === answer.name);
    if (answer.source() !== null) cell.source = answer.source().replace(/\n$/, "");
  }
  const address = URL.createObjectURL(new Blob([JSON.stringify(notebook, null, 1)], { type: "application/x-ipynb+json" }));
  Object.assign(document.createElement("a"), { href: address, download: `${assignment}.ipynb` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {}; // a browser may forbid storage
  }
}

// Whether it is kept. What another tab has kept of other answers stays.
function keep(name, source) {
  const { [name]: _, ...others } = read();
  const all = source === null ? others : { ...others, [name]: source };
  try {
    if (Object.keys(all).length) localStorage.setItem(KEPT, JSON.stringify(all));
    else localStorage.removeItem(KEPT);
    return true;
  } catch {
    return false;
  }
}
})();

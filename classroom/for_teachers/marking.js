// Marks written answers one after another. Every key has its button; every mark and comment is saved at once.
const at = (id) => document.getElementById(id);
const LOOK = 3000; // milliseconds between looks at what others have changed
const PAUSE = 800; // in typing, after which a comment is saved
const STATES = {
  waiting: ["没批", "not marked"],
  again: ["分是给先前的文件的，请再看一眼", "marked for an earlier file: look again"],
  blank: ["没有写，自动 0 分", "nothing written, 0 by itself"],
  marked: ["已批", "marked"],
};

let answers = []; // as the server lists them; `mark` and `comment` are what is saved
let version = "";
let place = -1;
let looking;
let shows = 0;
let snippets = [];
const known = new Map();
const unsaved = new Map(); // what is on its way to the server
const drafts = new Map(); // comments as typed
const clashes = new Map(); // comments that were changed elsewhere while one was typed here

const named = (one) => `${one.cell}\n${one.student}`;
const current = () => answers[place];
const left = (one) => (one.state === "waiting" || one.state === "again") && !unsaved.has(`mark\n${named(one)}`);
const markOf = (one) => (unsaved.get(`mark\n${named(one)}`) ?? { value: one.mark }).value;
const shownMark = (mark) => (mark === null ? "–" : String(Math.round(mark * 100) / 100));

function spans([zh, en]) {
  return [["zh-CN", zh], ["en", en]].map(([lang, text]) => {
    const span = document.createElement("span");
    span.lang = lang;
    span.textContent = text;
    return span;
  });
}

let trouble = false; // which is over as soon as something is saved
function tell(zh, en) {
  trouble = false;
  at("told").replaceChildren(...(zh ? spans([zh, en]) : []));
}

// ---- the server

async function ask(path, method = "GET", sent = undefined) {
  try {
    const answer = await fetch(path, { method, body: JSON.stringify(sent) });
    const json = answer.headers.get("Content-Type")?.startsWith("application/json");
    return { status: answer.status, ...(json ? await answer.json() : {}) };
  } catch {
    return { status: 0 };
  }
}

function tellWhy(answer) {
  if (answer.told) tell(...answer.told);
  else if (answer.status === 0) tell("连不上了：make mark 已经停了？这里没存的都还在，再开起来之前不要关这一页。", "No answer: has make mark ended? What is not saved is still here; keep this page open.");
  else tell("这个链接不能用了：请打开 make mark 新打印的链接，没存上的要重新打。", "This link no longer works: open the one that make mark shows now, and type again what was not saved.");
  trouble = answer.status !== 409;
}

async function refresh() {
  const answer = await ask(`list?since=${encodeURIComponent(version)}`);
  if (answer.status === 204) return;
  if (answer.status !== 200) {
    tellWhy(answer);
    return;
  }
  const here = current();
  version = answer.version;
  answers = answer.answers.map((fresh) => {
    const one = known.get(named(fresh)) ?? {};
    const elsewhere = here === one && !unsaved.has(`mark\n${named(one)}`) && one.mark !== fresh.mark;
    if (elsewhere) tell(`别处刚把这一份改成了 ${shownMark(fresh.mark)}。`, `Elsewhere this one has just become ${shownMark(fresh.mark)}.`);
    if (one.comment !== fresh.comment && drafts.has(named(fresh)) && !unsaved.has(`comment\n${named(fresh)}`)) {
      if (drafts.get(named(fresh)) !== fresh.comment) clashes.set(named(fresh), fresh.comment);
    }
    known.set(named(fresh), Object.assign(one, fresh));
    return one;
  });
  at("others").hidden = at("formgrader").hidden = !answer.others;
  at("others").replaceChildren(...spans([
    `有 ${answer.others} 人的自动检查等你确认，在 Formgrader 里看：`,
    `Students whose automatic tests wait for you: ${answer.others}. See them in Formgrader:`,
  ]));
  if (here) {
    place = Math.max(0, answers.indexOf(here));
    await show(place);
  }
}

function save(kind, one, value) {
  unsaved.set(`${kind}\n${named(one)}`, { kind, one, value, page: one.page });
  render();
  send();
}

let sending = false;
async function send() {
  if (sending) return;
  sending = true;
  while (unsaved.size) {
    const [key, job] = unsaved.entries().next().value;
    const { kind, one, value, page } = job;
    const answer = await ask(kind, "PUT", { cell: one.cell, student: one.student, page, was: one[kind], value });
    if (answer.status !== 204 && answer.why !== "changed" && answer.why !== "file" && answer.why !== "refused") {
      tellWhy(answer);
      await new Promise((done) => setTimeout(done, 1000));
      continue;
    }
    if (unsaved.get(key) === job) unsaved.delete(key);
    if (answer.status === 204) settled(kind, one, value);
    else await refused(kind, one, answer);
    render();
  }
  sending = false;
}

function settled(kind, one, value) {
  one[kind] = value;
  if (kind === "mark") one.state = value === null ? "waiting" : "marked";
  else if (drafts.get(named(one)) === value) drafts.delete(named(one));
  if (trouble) tell();
  if (kind === "mark" && !answers.some(left)) scrollTo(0, 0); // where it says what comes next
}

async function refused(kind, one, answer) {
  if (answer.why === "changed") {
    one[kind] = answer.now;
    if (kind === "comment") clashes.set(named(one), answer.now);
  }
  if (answer.why === "file") await show(place);
  tellWhy(answer);
}

// ---- what is on the page

async function show(wanted) {
  const arrives = wanted !== place;
  if (arrives) flush();
  place = wanted;
  const one = current();
  const turn = ++shows;
  const answer = await ask(`answer?${new URLSearchParams({ cell: one.cell, student: one.student })}`);
  if (turn !== shows) return;
  if (answer.status !== 200) {
    tellWhy(answer);
    return;
  }
  const other = one.page && one.page !== answer.page;
  if (arrives) tell();
  else if (other) tell("这名学生刚交了新的文件：下面是新的答案。", "This student has handed in a new file: below is the new answer.");
  one.page = answer.page;
  if (arrives || other || at("answer").innerHTML === "") {
    at("answer").innerHTML = answer.html ?? ""; // made inert by written.py
    if (answer.html === null) at("answer").append(...spans(["这份答案排不出来，打分不算数：请学生交一份普通的 notebook，再运行 make grade。", "This answer cannot be laid out, and a mark would not count: have the student hand in a plain notebook, and run make grade again."]));
    else if (!answer.html.trim()) at("answer").append(...spans(["（没有写）", "(nothing written)"]));
  }
  for (const part of document.querySelectorAll("[data-cell]")) part.hidden = part.dataset.cell !== one.cell;
  render();
  if (arrives) {
    history.replaceState(null, "", `#${place + 1}`);
    scrollTo(0, 0);
    at("which").focus();
  }
}

function render() {
  const remaining = answers.filter(left).length;
  at("count").replaceChildren(...spans([`还有 ${remaining} 份，共 ${answers.length} 份`, `${remaining} of ${answers.length} left`]));
  at("progress").max = answers.length || 1;
  at("progress").value = answers.length - remaining;
  at("done").hidden = remaining > 0 || answers.length === 0 || unsaved.size > 0;
  const one = current();
  if (!one) return;
  const mark = markOf(one);
  const state = unsaved.has(`mark\n${named(one)}`) ? (mark === null ? "waiting" : "marked") : one.state;
  const badge = document.createElement("span");
  badge.className = `state ${state}`;
  badge.append(...spans(STATES[state]));
  const name = document.createElement("bdi");
  name.textContent = at("names").ariaPressed === "true" ? one.name : "";
  at("which").replaceChildren(...spans([`第 ${place + 1} 份`, `Answer ${place + 1}`]), " ", name, " ", badge);
  at("answer").className = state;
  renderMarks(one, mark);
  const comment = drafts.get(named(one)) ?? one.comment;
  if (at("comment").value !== comment) at("comment").value = comment;
  at("clash").hidden = !clashes.has(named(one));
  at("saved").replaceChildren(...spans(
    unsaved.size ? ["正在存……", "saving …"] : mark === null ? ["", ""] : [`${shownMark(mark)} 分，已存`, `${shownMark(mark)} saved`],
  ));
}

function renderMarks(one, mark) {
  const steps = one.most <= 10 ? Array.from({ length: Math.floor(one.most * 2) + 1 }, (_, step) => step / 2) : [];
  if (at("marks").dataset.most !== String(one.most)) {
    at("marks").dataset.most = one.most;
    at("marks").replaceChildren(...steps.map((step) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = step;
      button.value = step;
      button.classList.toggle("half", step % 1 > 0);
      return button;
    }));
  }
  for (const button of at("marks").children) button.ariaPressed = String(mark === Number(button.value));
  at("other").placeholder = `/ ${one.most}`;
  if (document.activeElement !== at("other")) at("other").value = at("other").defaultValue = mark === null ? "" : shownMark(mark);
}

// ---- marks

function give(value) {
  const one = current();
  if (!one?.page) return;
  if (value !== null && !(value >= 0 && value <= one.most)) {
    tell(`分数要在 0 和 ${one.most} 之间。`, `A mark is a number from 0 to ${one.most}.`);
    return;
  }
  tell();
  save("mark", one, value);
}

function half() {
  const one = current();
  const mark = markOf(one) ?? 0;
  give(mark % 1 || mark + 0.5 > one.most ? mark - 0.5 : mark + 0.5);
}

function go(to) {
  if (to >= 0 && to < answers.length) show(to);
  else tell(to < 0 ? "这是第一份。" : "这是最后一份。", to < 0 ? "This is the first." : "This is the last.");
}

function nextUnmarked() {
  const after = [...answers.keys()].map((step) => (place + 1 + step) % answers.length);
  const next = after.find((one) => left(answers[one]));
  if (next === undefined) {
    tell("都批完了。", "All are marked.");
    scrollTo(0, 0);
  } else if (next === place) tell("只剩这一份没批。", "Only this one is left.");
  else show(next);
}

// ---- comments and snippets

let pause;
function flush() {
  clearTimeout(pause);
  const one = current();
  if (!one?.page || !drafts.has(named(one)) || clashes.has(named(one))) return;
  const text = drafts.get(named(one));
  const there = unsaved.get(`comment\n${named(one)}`)?.value ?? one.comment;
  if (text !== there) save("comment", one, text);
  else drafts.delete(named(one));
}

function typed(text) {
  drafts.set(named(current()), text);
  clearTimeout(pause);
  pause = setTimeout(flush, PAUSE);
}

function insert(text) {
  if (!text) return;
  const there = at("comment").value.trimEnd();
  at("comment").value = there ? `${there}\n${text}` : text;
  typed(at("comment").value);
  flush();
  at("which").focus();
}

async function changeSnippets(method, text) {
  const answer = await ask("snippets", method, text === undefined ? undefined : { text });
  if (answer.status !== 200) {
    tellWhy(answer);
    return;
  }
  snippets = answer.snippets;
  at("no-snippets").hidden = snippets.length > 0;
  at("snippets").replaceChildren(...snippets.map((text) => {
    const [use, drop] = [document.createElement("button"), document.createElement("button")];
    use.className = "use";
    use.textContent = text;
    drop.className = "drop";
    drop.textContent = "×";
    drop.ariaLabel = "删掉 · Remove";
    use.addEventListener("click", () => insert(text));
    drop.addEventListener("click", () => changeSnippets("DELETE", text));
    const line = document.createElement("li");
    line.append(use, drop);
    return line;
  }));
}

async function keep() {
  const text = at("comment").value.trim();
  const before = snippets.length;
  await changeSnippets("POST", text);
  if (snippets.length > before) tell(`存成了 ${snippets.length} 号常用语：按 s，再按 ${snippets.length}。`, `Kept as snippet ${snippets.length}: press s, then ${snippets.length}.`);
}

function toSnippets() {
  const first = document.querySelector("#snippets .use");
  if (first) first.focus();
  else tell("还没有常用语：写一句评语，按 a 存下来。", "There are no snippets yet: write a comment and press a.");
}

let digits = "";
let waitForDigit;
function numbered(digit) {
  clearTimeout(waitForDigit);
  digits += digit;
  const use = () => {
    const number = Number(digits);
    digits = "";
    if (snippets[number - 1]) insert(snippets[number - 1]);
    else tell(`没有 ${number} 号常用语。`, `There is no snippet ${number}.`);
  };
  if (Number(digits) * 10 > snippets.length) use();
  else waitForDigit = setTimeout(use, PAUSE);
}

// ---- the overview

function overview() {
  const counts = new Map();
  const worth = (one) => markOf(one) ?? (left(one) ? null : 0); // nothing written: 0 by itself
  for (const one of answers) if (!left(one)) counts.set(worth(one), (counts.get(worth(one)) ?? 0) + 1);
  const sums = [...counts].sort(([a], [b]) => a - b).map(([mark, number]) => `${shownMark(mark)}: ${number}`).join(" · ");
  const remaining = answers.filter(left).length;
  at("sums").replaceChildren(...spans([`还有 ${remaining} 份。${sums ? `各个分数的人数 ${sums}` : ""}`, `${remaining} left. ${sums ? `How many have each mark: ${sums}` : ""}`]));
  at("all").replaceChildren(...answers.map((one, number) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = left(one) ? one.state : "marked";
    button.append(Object.assign(document.createElement("b"), { textContent: shownMark(worth(one)) }), number + 1);
    if (at("names").ariaPressed === "true") button.title = one.name;
    if (number === place) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => {
      at("overview").close();
      show(number);
    });
    return button;
  }));
  at("overview").showModal();
  at("all").children[place]?.focus();
}

function moveInOverview(event) {
  const all = at("all").children;
  const here = [...all].indexOf(document.activeElement);
  if (here < 0) return;
  const columns = getComputedStyle(at("all")).gridTemplateColumns.split(" ").length;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  if (!by) return;
  event.preventDefault();
  all[here + by]?.focus();
}

// ---- keys and buttons

function showNames() {
  at("names").ariaPressed = String(at("names").ariaPressed !== "true");
  render();
}

function question() {
  const details = document.querySelector(".questions:not([hidden])");
  details.open = !details.open;
}

const ACTIONS = {
  j: () => go(place + 1),
  k: () => go(place - 1),
  u: nextUnmarked,
  c: () => at("comment").focus(),
  s: toSnippets,
  a: keep,
  m: () => at("other").select(),
  n: showNames,
  o: overview,
  q: question,
  ".": half,
  Backspace: () => give(null),
  "?": () => at("keys").showModal(),
};
Object.assign(ACTIONS, {
  ArrowRight: ACTIONS.j, ArrowLeft: ACTIONS.k, Enter: ACTIONS.u, "。": half, Delete: ACTIONS.Backspace, "？": ACTIONS["?"],
});

function inBox(event) {
  if (event.key === "Escape") {
    if (event.target === at("other")) at("other").value = at("other").defaultValue;
    at("which").focus();
  }
  if (event.target === at("other") && event.key === "Enter") {
    event.preventDefault();
    at("which").focus();
  }
}

function inSnippets(event) {
  const lines = [...document.querySelectorAll("#snippets .use")];
  const here = lines.indexOf(document.activeElement);
  if (here < 0) return false;
  if (/^\d$/.test(event.key)) numbered(event.key);
  else if (event.key === "ArrowDown") lines[here + 1]?.focus();
  else if (event.key === "ArrowUp") lines[here - 1]?.focus();
  else if (event.key === "Escape") at("which").focus();
  else if (event.key === "Delete") changeSnippets("DELETE", snippets[here]).then(() => at("which").focus());
  else return false;
  event.preventDefault();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (at("overview").open) return moveInOverview(event);
  if (at("keys").open) return;
  if (event.target.matches("textarea, #other")) return inBox(event);
  if (!at("single").checked || inSnippets(event)) return;
  const pressesIt = event.key === "Enter" || event.key === " ";
  const movesIn = event.target.matches("input") && event.key.startsWith("Arrow");
  if (movesIn || (pressesIt && event.target.closest("button, summary"))) return;
  const action = /^\d$/.test(event.key) ? () => give(Number(event.key)) : ACTIONS[event.key];
  if (!action || !current()) return;
  event.preventDefault();
  action();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (event.detail > 0 && !button.closest("dialog")) button.blur(); // Enter goes on to the next answer
  if (button.dataset.key && current()) ACTIONS[button.dataset.key]();
  if (button.parentElement === at("marks")) give(Number(button.value));
});

at("comment").addEventListener("input", () => typed(at("comment").value));
at("comment").addEventListener("blur", flush);
at("other").addEventListener("change", () => {
  const text = at("other").value.trim().replace(",", ".");
  give(text === "" ? null : Number(text));
});
at("other").addEventListener("blur", render);
at("mine").addEventListener("click", () => {
  clashes.delete(named(current()));
  flush();
});
at("theirs").addEventListener("click", () => {
  clashes.delete(named(current()));
  drafts.delete(named(current()));
  render();
});
addEventListener("beforeunload", (event) => {
  flush();
  if (unsaved.size || drafts.size) event.preventDefault();
});

const language = at(navigator.language.startsWith("zh") ? "zh" : "en");
language.checked = true;
begin();

async function begin() {
  await refresh();
  if (!answers.length) return;
  const asked = Number(location.hash.slice(1)) - 1;
  await show(answers[asked] ? asked : Math.max(0, answers.findIndex(left)));
  await changeSnippets("GET");
  looking = setInterval(() => document.hidden || refresh(), LOOK);
}

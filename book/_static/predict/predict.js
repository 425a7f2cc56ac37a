// Guess first, then look: with the switch on, a section shows its questions, and the rest of it after they are answered
// or passed. The style sheet hides (predict.css), `data-predict` on the root says that it should (before-paint.js).

(() => {
const bar = document.querySelector(".predict-bar");
if (!bar) return;
const root = document.documentElement;
const says = bar.querySelector(".predict-says");
const [toggle, reset] = bar.querySelectorAll("button");
const RESULTS = `predict:${bar.dataset.chapter}`; // the same in every edition
const MARKS = { right: "✓", wrong: "✗", passed: "–" };
let results = read(); // anchor → { asked: number of questions, got: ["right", "wrong" or "passed", …] }
let words, sections;

toggle.addEventListener("click", () => turn(!isOn()));
reset.addEventListener("click", startOver);
if (isOn()) turn(true);

function isOn() {
  return root.hasAttribute("data-predict");
}

async function turn(on) {
  keep("predict", on ? "on" : null);
  forgetInAddress();
  toggle.setAttribute("aria-checked", on);
  keepingPlace(() => {
    root.toggleAttribute("data-predict", on);
    openAnswered();
  });
  if (!on) return report();
  try {
    ({ words, sections } = await load());
  } catch {
    root.removeAttribute("data-predict");
    toggle.setAttribute("aria-checked", false);
    says.textContent = bar.dataset.lost;
    return;
  }
  if (!isOn()) return; // turned off again meanwhile
  keepingPlace(() => {
    for (const [anchor, questions] of Object.entries(sections)) ask(anchor, questions);
  });
  report();
}

// A script, since file:// gives no data to fetch.
function load() {
  if (sections) return { words, sections };
  return new Promise((done, failed) => {
    const src = bar.dataset.questions;
    const onload = () => (globalThis.bookPredictions ? done(globalThis.bookPredictions) : failed());
    document.head.append(Object.assign(document.createElement("script"), { src, onload, onerror: failed }));
  });
}

function placeOf(anchor) {
  return document.getElementById(anchor)?.querySelector(":scope > .predict");
}

// Before the questions are there, so that a page that is read again does not close what was open.
function openAnswered() {
  for (const [anchor, { asked, got }] of Object.entries(results)) {
    placeOf(anchor)?.toggleAttribute("data-open", got.length >= asked);
  }
}

function ask(anchor, questions) {
  const place = placeOf(anchor);
  if (!place) return;
  const result = (results[anchor] ??= { asked: 0, got: [] });
  result.asked = questions.length;
  result.got.length = Math.min(result.got.length, questions.length);
  const isOpen = result.got.length === questions.length;
  place.toggleAttribute("data-open", isOpen);
  if (place.childElementCount) return; // as the reader left it
  if (isOpen) return place.append(summary(result.got));
  const forms = questions.map((question, index) => makeQuestion(question, index, questions.length, anchor));
  place.append(...forms.map(({ form }) => form));
  forms.forEach(({ form, settle }, index) => {
    form.hidden = index > result.got.length;
    if (index < result.got.length) settle(result.got[index]);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = Number(new FormData(form).get("choice"));
      answered(index, questions[index].choices[chosen].right ? "right" : "wrong", chosen);
    });
    form.querySelector(".predict-pass").addEventListener("click", () => {
      const first = index;
      for (let rest = first; rest < forms.length; rest += 1) {
        result.got[rest] = "passed";
        forms[rest].form.hidden = false;
        forms[rest].settle("passed");
      }
      finish(forms[first]);
    });
  });

  function answered(index, outcome, chosen) {
    result.got[index] = outcome;
    forms[index].settle(outcome, chosen);
    const next = forms[index + 1];
    if (!next) return finish(forms[index]);
    next.form.hidden = false;
    keepResults();
    forms[index].feedback.focus({ preventScroll: true });
  }

  // What was hidden follows the questions: nothing above it moves.
  function finish({ feedback }) {
    place.setAttribute("data-open", "");
    keepResults();
    feedback.focus({ preventScroll: true });
    feedback.scrollIntoView({ block: "nearest" });
    dispatchEvent(new Event("scroll")); // the bar with the line's shape may tell it now
  }
}

function makeQuestion({ ask, choices }, index, number, anchor) {
  const form = element("form", "predict-question");
  const fields = element("fieldset");
  const legend = element("legend");
  const count = element("span", "predict-count", words.guess);
  if (number > 1) count.append(` ${index + 1}/${number}`);
  legend.append(count, element("span", "predict-ask", ask));
  const labels = choices.map(({ text }, at) => {
    const label = element("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "choice", value: at, required: true });
    label.append(input, element("span", "predict-mark"), element("span", "predict-choice", text));
    return label;
  });
  fields.append(legend, ...labels);
  const buttons = element("p", "predict-buttons");
  const check = Object.assign(element("button", "", words.check), { type: "submit" });
  const pass = Object.assign(element("button", "predict-pass", words.pass), { type: "button" });
  buttons.append(check, pass);
  const feedback = Object.assign(element("p", "predict-feedback"), { tabIndex: -1, hidden: true });
  form.id = `predict-${anchor}-${index + 1}`;
  form.append(fields, buttons, feedback);

  function settle(outcome, chosen) {
    const right = choices.findIndex((choice) => choice.right);
    fields.disabled = true;
    buttons.hidden = true;
    mark(labels[right], "right", chosen === right ? words.yours : words.answer);
    if (chosen !== undefined && chosen !== right) mark(labels[chosen], "wrong", words.yours);
    form.dataset.outcome = outcome;
    const parts = [words[outcome]];
    if (outcome === "wrong" && chosen !== undefined) parts.push(choices[chosen].because);
    if (outcome !== "right") parts.push(sentence(words.answer, choices[right].text));
    feedback.hidden = false;
    feedback.replaceChildren(element("span", "predict-mark", MARKS[outcome]), element("span", "", together(parts)));
    feedback.firstChild.ariaHidden = "true";
  }
  return { form, settle, feedback };
}

function mark(label, outcome, note) {
  label.dataset.outcome = outcome;
  label.querySelector(".predict-mark").textContent = MARKS[outcome];
  label.append(element("small", "", note));
}

// Of a section that was answered when the page was last read.
function summary(got) {
  const line = element("p", "predict-summary");
  for (const outcome of got) {
    const mark = element("span", "predict-mark", MARKS[outcome]);
    mark.ariaHidden = "true";
    line.append(mark, element("span", "", words[outcome]), " ");
  }
  return line;
}

function startOver() {
  results = {};
  keep(RESULTS, null);
  keepingPlace(() => {
    for (const place of document.querySelectorAll(".predict")) {
      place.removeAttribute("data-open");
      place.replaceChildren();
    }
    for (const [anchor, questions] of Object.entries(sections)) ask(anchor, questions);
  });
  toggle.focus();
  report();
}

function keepResults() {
  const some = Object.entries(results).filter(([, { got }]) => got.length);
  keep(RESULTS, JSON.stringify(Object.fromEntries(some)));
  report();
}

function report() {
  const got = Object.values(results).flatMap((result) => result.got);
  reset.hidden = !isOn();
  reset.disabled = !got.length; // it keeps its room
  if (!isOn()) {
    says.textContent = says.dataset.off;
    return;
  }
  const numbers = { all: Object.values(sections).flat().length };
  for (const outcome of ["right", "wrong", "passed"]) numbers[outcome] = got.filter((one) => one === outcome).length;
  const filled = (text) => text.replace(/\{(\w+)\}/g, (_, name) => numbers[name]);
  const score = spans(Array.isArray(words.score) ? words.score.map(filled) : filled(words.score));
  keepingPlace(() => says.replaceChildren(...score)); // which may need a line more
}

// Texts: a string, or where both languages are shown a pair; `code` stands between backticks.

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...spans(text));
  return made;
}

function spans(text) {
  if (!Array.isArray(text)) return withCode(text);
  return ["zh", "en"].map((lang, index) => {
    const span = Object.assign(document.createElement("span"), { lang });
    span.append(...withCode(text[index]));
    return span;
  });
}

function withCode(text) {
  return text.split("`").map((part, index) => {
    if (index % 2 === 0) return part;
    return Object.assign(document.createElement("code"), { className: "literal", textContent: part });
  });
}

function together(texts) {
  if (!texts.some(Array.isArray)) return texts.join(root.lang.startsWith("zh") ? "" : " ");
  return [0, 1].map((at) => texts.map((text) => (Array.isArray(text) ? text[at] : text)).join(at ? " " : ""));
}

function sentence(label, text) {
  if (!Array.isArray(label)) return root.lang.startsWith("zh") ? `${label}：${full(text, "。")}` : `The ${label}: ${full(text, ".")}`;
  const [zh, en] = Array.isArray(text) ? text : [text, text];
  return [`${label[0]}：${full(zh, "。")}`, `The ${label[1]}: ${full(en, ".")}`];
}

function full(text, stop) {
  return /[。.！？!?]$/.test(text) ? text : text + stop;
}

// The section that is being read stays where it is, whatever appears or goes above it.
function keepingPlace(change) {
  const reading = [...document.querySelectorAll("article section section[id]")].findLast(
    (section) => section.getBoundingClientRect().top < innerHeight / 3,
  );
  const before = reading?.getBoundingClientRect().top;
  change();
  if (reading) scrollBy({ top: reading.getBoundingClientRect().top - before, behavior: "instant" });
}

// A link with ?predict=1 has done its work; what the reader chooses now counts.
function forgetInAddress() {
  const address = new URL(location.href);
  if (!address.searchParams.has("predict")) return;
  address.searchParams.delete("predict");
  try {
    history.replaceState(null, "", address);
  } catch {
    // a page from the disk may not change its address
  }
}

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(RESULTS)) ?? {};
    return Object.fromEntries(Object.entries(kept).filter(([, one]) => Array.isArray(one?.got) && one.asked));
  } catch {
    return {}; // a browser may forbid storage
  }
}

function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // the page works without, until it is left
  }
}
})();

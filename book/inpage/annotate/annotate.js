// The page on which somebody's own class is explained: paste it, press one button.
import { explained } from "../compute/troubles.js";
import { MEGABYTES, pythonKernel } from "../kernel/kernel.js";
import { element } from "../page/element.js";
import { withCode } from "../page/with-code.js";
import { edition, inWords, words } from "../page/words.js";
import { EXAMPLES } from "./examples.js";
import { codeInAddress, linkTo } from "./link.js";
import { guesses } from "./guesses.js";
import { listing } from "./listing.js";
import { ownPicture } from "./picture.js";
import { takeaway } from "./takeaway.js";
import { isTurned } from "./turned.js";
import { values } from "./values.js";

const LONG = 8000; // ms after which the page says that a loop may have no end

const place = document.getElementById("in-page-annotate");
const progress = element("progress", { max: 1, value: 0, "aria-label": words("正在载入", "Loading") });
const base = document.currentScript.src;
const kernel = pythonKernel({ base, onProgress: (share) => { progress.value = share; } });
let loaded = false, busy;

const box = element("textarea", {
  id: "annotate-code", rows: 14, spellcheck: false, autocapitalize: "off", autocomplete: "off",
  placeholder: "class Bottleneck(nn.Module):\n    …",
});
const status = element("p", { className: "an-status", role: "status" });
const run = button(words("逐行注释", "Explain every line"), () => explain(null));
const stop = button(words("停止", "Stop"), () => kernel.stop());
const language = languageChoice();
const own = ownPicture({ changed: () => { if (!busy) see(); } });
const settings = guesses({ again: (changed) => explain(changed), picture: own.box });
const lines = listing(), away = takeaway({ link: () => linkTo(box.value) });
const numbers = values({ kernel, base, language: language.chosen });
const result = element("div", { className: "an-result", hidden: true, role: "region", "aria-label": words("逐行注释", "Every line explained") },
  settings.form, numbers.said, lines.box, away.box);
run.className = "an-run";
setBusy(false);

place.append(
  element("label", { for: box.id, textContent: words("你的类，连同它的 import", "Your class, with its imports") }), box,
  element("div", { className: "an-bar" }, run, stop, ...language.parts),
  element("p", { className: "an-cost", textContent: words(
    `按下按钮才载入 Python：头一次约 ${MEGABYTES} MB，浏览器会留着。代码只在这一页里运行，不会发给任何人。`,
    `Python is loaded when you press the button: about ${MEGABYTES} MB the first time, which the browser keeps. The code runs in this page only and is sent to nobody.`) }),
  element("div", { className: "an-bar", role: "group", "aria-label": words("例子", "Examples") },
    element("span", { textContent: words("或者先试一个：", "Or try one:") }),
    ...EXAMPLES.map(({ name, code }) => button(name.zh ? inWords(name) : name, () => take(code)))),
  status, result,
);

codeInAddress().then((brought) => {
  if (brought === null) return;
  take(brought);
  const asked = isTurned(brought)
    ? words("这段代码是网址带来的，还没有运行。里面有看不见的、会改变显示顺序的字符，看到的不一定就是要运行的：信得过发来的人再按按钮。", "This code came with the address and has not been run. Invisible characters in it change the order in which it is shown, so what you read may not be what would run: press the button only if you trust who sent it.")
    : words("这段代码是网址带来的，还没有运行；看过之后再按按钮。", "This code came with the address and has not been run; read it, then press the button.");
  status.textContent = asked;
});

function take(code) {
  box.value = code.replace(/^\n+/, "");
  box.focus();
  box.setSelectionRange(0, 0);
  box.scrollTop = 0;
}

// `changed`: what the reader made of the guesses, or null where the page is to guess.
async function explain(changed) {
  if (busy) return;
  setBusy(true);
  numbers.forget();
  status.replaceChildren(loaded ? words("正在运行…", "Running…") : words("正在载入 Python…", "Loading Python…"), loaded ? "" : " ", loaded ? "" : progress);
  let waiting;
  try {
    await kernel.start();
    loaded = true;
    status.textContent = words("正在运行…", "Running…");
    waiting = setTimeout(() => {
      status.textContent = words("还在运行。要是里面有停不下来的循环，就按“停止”。", "Still running. If there is a loop without an end in it, press Stop.");
    }, LONG);
    show(await kernel.explain({ code: box.value, language: language.chosen(), settings: changed ?? {} }));
    see();
  } catch (error) {
    if (error.cause) console.warn(error.cause); // for whoever mends it
    status.textContent = inWords(explained(error));
  } finally {
    clearTimeout(waiting);
    setBusy(false);
  }
}

function see() {
  numbers.bring(lines.items(), own.cut());
}

function setBusy(now) {
  busy = now;
  run.setAttribute("aria-disabled", now); // not disabled, which would take the focus away
  if (!now && document.activeElement === stop) run.focus();
  stop.hidden = !now;
}

function show(answer) {
  const failed = answer.sentence ?? answer.error;
  const told = [failed, ...answer.could_not_guess, ...answer.remarks].filter(Boolean).map(inWords);
  status.replaceChildren(...told.flatMap((one) => [...withCode(one), element("br")]));
  status.classList.toggle("an-failed", Boolean(failed));
  result.hidden = !answer.ok && !answer.chosen;
  if (result.hidden) return;
  settings.show(answer);
  own.show(answer);
  lines.show(answer);
  away.show(answer);
  if (answer.ok && !failed) status.prepend(words(`${answer.chosen}：${answer.lines.length} 行，都有解释。`, `${answer.chosen}: ${answer.lines.length} lines, every one explained.`), element("br"));
}

// In the edition with both languages, which of them the notes are in.
function languageChoice() {
  if (edition !== "both") return { parts: [], chosen: () => edition };
  const choice = element("select", { id: "annotate-language" },
    element("option", { value: "zh", textContent: "中文" }), element("option", { value: "en", textContent: "English" }));
  choice.value = navigator.language.startsWith("zh") ? "zh" : "en";
  return {
    parts: [element("label", { for: choice.id, textContent: words("注释用", "Notes in") }), choice],
    chosen: () => choice.value,
  };
}

function button(textContent, onclick) {
  return element("button", { type: "button", textContent, onclick });
}

// The playground's page: settings on top; what arithmetic alone can say, at once; then the maps, computed.
import { knowsTheBlock } from "../compute/agreement.js";
import { family, plan, Refused } from "../compute/arithmetic.js";
import { explained } from "../compute/troubles.js";
import { kindFor } from "../compute/weights.js";
import { element } from "../page/element.js";
import { engineLoader } from "../page/engine-loader.js";
import { onDrop, onPaste } from "../page/own-picture.js";
import { inWords, words } from "../page/words.js";
import { playground } from "./api.js";
import { controls } from "./controls.js";
import { gallery } from "./gallery.js";
import { kernelGrid } from "./kernel-grid.js";
import { listing } from "./listing.js";
import { hashOf, isSection, stateOf } from "./state.js";

const base = document.currentScript.src;
window.playground = playground(base);

const place = document.getElementById("in-page-playground");
let state = stateOf(location.hash);
const form = controls({ change, picture: bring });
const lines = listing({ change }), kernel = kernelGrid(), maps = gallery({ change });
const status = element("p", { className: "pg-status", role: "status" });
const loader = engineLoader({ base, say: (...nodes) => status.replaceChildren(...nodes), isRight: knowsTheBlock, onLost: recompute });
const compute = element("button", { type: "button", className: "pg-compute", textContent: words("算出特征图", "Compute the maps"), onclick: touched });
const block = element("div", {},
  heading(words("forward，一行一行", "forward, line by line")), ...lines.parts,
  heading(words("卷积核在看哪里", "Where the kernel looks")), kernel.figure,
  heading(words("特征图", "The maps")), compute);
place.append(form.form, block, status, maps.box);

function heading(text) {
  return element("h2", { textContent: text });
}

// ---- the settings

function change(settings, from) {
  state = { ...state, ...settings };
  if (location.protocol !== "file:") history.replaceState(history.state, "", `${location.pathname}${location.search}${hashOf(state) && "#"}${hashOf(state)}`);
  else location.hash = hashOf(state);
  show(from);
  touched();
}

let begun = false; // whether the reader has touched anything
let current = null; // {config, weights, input} of a block that can be computed, at least in its first lines

function show(from) {
  const { weights, input, ...settings } = state;
  current = null;
  block.hidden = true;
  try {
    const planned = plan(settings), { config } = planned;
    block.hidden = false;
    lines.show(planned);
    kernel.show(config);
    form.show(state, family(config), planned.refused, from);
    kindFor(weights, config);
    current = { config, weights, input };
    if (!begun) status.textContent = "";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    maps.hide();
    const blamed = form.show(state, null, error, from);
    status.textContent = blamed ? words("原因写在那个设置下面。", "The setting that is to blame says why.") : inWords(error);
  }
}

// ---- the maps

let busy = false, again = false;
const LONG = 400; // ms after which the page says that it computes

function touched() {
  begun = true;
  return recompute();
}

async function recompute() {
  again = false;
  if (!begun || !current) return;
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  compute.hidden = true;
  try {
    do {
      again = false;
      await computeOnce(current);
    } while (again && current);
  } catch (error) {
    if (error.code !== "lost") {
      status.textContent = inWords(explained(error));
      compute.hidden = false;
    }
  } finally {
    busy = false;
  }
  if (again) recompute();
}

async function computeOnce({ config, weights, input }) {
  const engine = await loader.engine();
  const started = performance.now();
  const waiting = setTimeout(() => { status.textContent = words("正在算…", "Computing…"); }, LONG);
  const made = await engine.block({ config, weights, input }).finally(() => clearTimeout(waiting));
  if (again && current) return; // there are newer settings already
  maps.show({ ...made, config });
  const took = Math.round(performance.now() - started);
  status.textContent = (loader.notice && `${loader.notice} `) + words(`在这台机器的 ${devices[engine.backend]} 上算的，${took} 毫秒。`, `Computed on this machine's ${devices[engine.backend]} in ${took} ms.`);
  status.dataset.ms = took;
}

const devices = { webgpu: words("GPU（WebGPU）", "GPU (WebGPU)"), wasm: "CPU (WASM)" };

// ---- the reader's own picture

async function bring(file) {
  try {
    await loader.bring(file);
    change({ input: "own" });
  } catch (error) {
    show();
    status.textContent = inWords(explained(error));
  }
}
onPaste(bring);
onDrop(bring);

// ---- links

addEventListener("hashchange", () => {
  if (isSection(location.hash)) return;
  state = { ...stateOf(location.hash), ...(state.input === "own" && { input: "own" }) };
  show();
  recompute();
});
for (const link of document.querySelectorAll(".language-switch a")) {
  link.addEventListener("click", () => { link.hash = hashOf(state); });
}
show();

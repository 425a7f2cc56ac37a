// Computes the walk of a page's cards: loads the engine at the first wish, and leaves the GPU where it is not to be trusted.
import { agrees } from "../compute/agreement.js";
import { connect, trouble } from "../compute/client.js";
import { element, inWords, words } from "../page/words.js";

// `family` of walks.js; `say(...nodes)` tells the reader; `onLost` hears that the GPU has gone.
export function again({ base, family, say, onLost }) {
  let computer = null, backend = new URLSearchParams(location.search).get("backend") ?? undefined;
  let notice = "", own = null; // the reader's picture

  function loaded() {
    computer ??= load().catch((error) => {
      computer = null;
      throw error;
    });
    return computer;
  }

  async function load() {
    const progress = element("progress", { max: 1, value: 0, "aria-label": words("正在载入", "Loading") });
    say(words("正在载入计算用的程序…", "Loading what computes…"), " ", progress);
    const onProgress = (share) => { progress.value = share; };
    const engine = await connect({ base, backend, onProgress, onLost: () => leaveCard("lost").then(onLost) });
    if (own) await engine.picture(own); // the engine before has taken its copy along
    return engine;
  }

  // From now on without the GPU, and why.
  async function leaveCard(code) {
    const former = computer;
    [computer, backend, notice] = [null, "wasm", inWords(trouble(code))];
    (await former)?.end();
  }

  // Of the whole walk, and where lines are left out also of the walk without them: {result, values, whole}, a tensor a step.
  async function compute({ input, without }) {
    const engine = await loaded();
    const result = await engine[family]({ input, weights: "book", config: { without } });
    const stem = family === "block" ? await engine.stem({ input }) : { steps: {}, weights: {} };
    result.weights = { ...stem.weights, ...result.weights };
    const all = (steps) => ({ ...stem.steps, input: result.input, ...steps, ...(steps.relu3 && { output: steps.relu3 }) });
    say(notice);
    return { result, values: all(result.steps), whole: all(result.whole ?? result.steps) };
  }

  return {
    compute,
    // The same of the photograph, once it has been checked against what is printed: [[image, step], …].
    async checked(printed) {
      const request = { input: "photograph", without: [] };
      let made = await compute(request);
      if (agrees(printed, made.values)) return made;
      if ((await computer).backend === "webgpu") {
        await leaveCard("differs");
        made = await compute(request);
        if (agrees(printed, made.values)) return made;
      }
      notice = inWords(trouble("altered"));
      say(notice);
      return made;
    },
    // A picture of the reader's own: it goes to the worker of this page and nowhere else.
    async bring(blob) {
      await (await loaded()).picture(blob);
      own = blob;
    },
  };
}

// The engine as a page uses it: loaded at the first wish, with the reader told; and the processor in its place where the
// GPU cannot be relied on.
import { connect } from "../compute/client.js";
import { trouble } from "../compute/troubles.js";
import { element } from "./element.js";
import { inWords, words } from "./words.js";

// `say(...nodes)` tells the reader. `isRight(engine)` resolves to whether its numbers are, and is asked of a GPU. `onLost`
// hears that the browser has taken the GPU away: what was asked of it comes to nothing and has to be asked again.
export function engineLoader({ base, say, isRight, onLost }) {
  let loading = null, backend = new URLSearchParams(location.search).get("backend") ?? undefined;
  let notice = "", own = null; // the reader's picture, which every new engine has to be told of

  function engine() {
    if (loading) return loading;
    const mine = load();
    mine.catch(() => { if (loading === mine) loading = null; });
    loading = mine;
    return mine;
  }

  async function load() {
    const progress = element("progress", { max: 1, value: 0, "aria-label": words("正在载入", "Loading") });
    say(words("正在载入计算用的程序…", "Loading what computes…"), " ", progress);
    const made = await connect({ base, backend, onProgress: (share) => { progress.value = share; }, onLost: lose });
    if (made.backend === "webgpu" && !(await isRight(made))) {
      made.end();
      leaveCard("differs");
      return load();
    }
    if (own) await made.picture(own);
    return made;
  }

  function lose() {
    loading = null;
    leaveCard("lost");
    onLost();
  }

  // From now on without the GPU, and why.
  function leaveCard(code) {
    backend = "wasm";
    notice = inWords(trouble(code));
  }

  return {
    engine,
    // What the reader has to know of what computes, or "".
    get notice() { return notice; },
    // A picture of the reader's own: it goes to the worker of this page and nowhere else.
    async bring(blob) {
      await (await engine()).picture(blob);
      own = blob;
    },
  };
}

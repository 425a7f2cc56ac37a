// Computes the walk of a page's cards, again or with something changed.
import { agrees } from "../compute/agreement.js";
import { trouble } from "../compute/troubles.js";
import { engineLoader } from "../page/engine-loader.js";
import { inWords } from "../page/words.js";

const AS_PRINTED = { input: "photograph", without: [] };

// `family` of walks.js; `printed()` lists the pictures that the build has drawn, [[image, step], …]; `say(...nodes)` tells
// the reader; `onLost` hears that what was asked for has to be asked again.
export function walkAgain({ base, family, printed, say, onLost }) {
  const isAsPrinted = ({ values }) => printed().every(([image, step]) => agrees(values[step], image.dataset.sample.split(",").map(Number)));
  const loader = engineLoader({ base, say, isRight: async (engine) => isAsPrinted(await walk(engine, AS_PRINTED)), onLost });
  let differs = false; // the processor's numbers as well

  // {result, values, whole}: of the walk without the lines that are left out, and of all of it, a tensor a step.
  async function walk(engine, { input, without }) {
    const result = await engine[family]({ input, weights: "book", config: { without } });
    const stem = family === "block" ? await engine.stem({ input }) : { steps: {}, weights: {} };
    result.weights = { ...stem.weights, ...result.weights };
    const all = (steps) => ({ ...stem.steps, input: result.input, ...steps, ...(steps.relu3 && { output: steps.relu3 }) });
    return { result, values: all(result.steps), whole: all(result.whole ?? result.steps) };
  }

  async function compute(request) {
    const made = await walk(await loader.engine(), request);
    say(differs ? inWords(trouble("altered")) : loader.notice);
    return made;
  }

  return {
    compute,
    // The walk that is printed.
    async begin() {
      const made = await compute(AS_PRINTED);
      differs = !isAsPrinted(made);
      if (differs) say(inWords(trouble("altered")));
      return made;
    },
    bring: loader.bring,
  };
}

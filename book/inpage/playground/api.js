// window.playground: what anybody can check the page's block with, from the browser's console or a test.
import { plan, Refused } from "../compute/arithmetic.js";
import { connect } from "../compute/client.js";
import { inWords } from "../page/words.js";

const STEPS = ["conv1", "bn1", "relu1", "conv2", "bn2", "relu2", "conv3", "bn3", "identity", "add", "relu3"];

// `run(config)` resolves to {input, weights, steps, backend}, each tensor {shape, data}, and rejects with a sentence
// where no block of these settings runs. Besides the block's settings, `config` may hold `weights` (a kind of
// weights.js, or tensors by PyTorch's names), `input` (a name of patterns.js or stem.js, or {shape, data}) and `backend`.
export function playground(base) {
  const computers = new Map(); // by the wish for a backend
  const computer = (backend) => {
    if (!computers.has(backend)) {
      computers.set(backend, connect({ base, backend, onLost: () => computers.delete(backend) }));
      computers.get(backend).catch(() => computers.delete(backend));
    }
    return computers.get(backend);
  };

  async function run({ weights = "auto", input = "noise", backend, ...settings } = {}) {
    try {
      const { config, refused } = plan(settings);
      if (refused) throw refused;
      const { backend: device, block } = await computer(backend);
      const made = await block({ config, weights, input });
      const steps = Object.fromEntries(STEPS.map((name) => [name, made.steps[name]]));
      return { input: made.input, weights: made.weights, steps, backend: device };
    } catch (error) {
      throw said(error);
    }
  }
  return { run, plan };
}

function said(error) {
  if (error.zh) error.message = inWords(error) + (error instanceof Refused && error.pytorch ? ` (${error.pytorch})` : "");
  return error;
}

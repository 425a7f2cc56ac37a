// One bottleneck block on the engine: settings, weights and an input in, every line's tensor out.
import { convolutions, NORMS, plan } from "./arithmetic.js";
import * as engine from "./engine.js";

// {name: entry of memory.js} of every line up to the one that fails; besides forward's own steps "downsample.0", the
// convolution within the shortcut. A line that is left out has the entry of what it would have read.
export function runBlock(config, weights, input, memory) {
  const planned = plan(config), settings = convolutions(planned.config);
  const { training, without, downsample, order } = planned.config;
  const last = planned.refused?.line, steps = {};
  const array = ({ data, shape }) => memory.take(`array ${memory.id(data)} ${shape}`, () => engine.array(data, shape));
  const weight = (name) => array(weights[name]);

  // `compute` gets the tensors of the entries `from`.
  const line = (name, operation, from, compute) => {
    if (name === last) throw new Stop();
    if (without.includes(name)) return from[0];
    const key = [operation, ...from.map(({ id }) => id)].join(" ");
    return memory.take(key, () => compute(...from.map(({ tensor }) => tensor)));
  };
  const convolve = (name, x) => {
    const { stride, padding, dilation, groups } = settings[name], options = { stride, padding, dilation, groups };
    return line(name, `conv2d ${Object.values(options)}`, [x, weight(`${name}.weight`)],
      (read, kernels) => engine.conv2d(read, kernels, null, options));
  };
  const normalize = (name, x) => {
    const each = ["weight", "bias", ...(training ? [] : ["running_mean", "running_var"])];
    return line(name, "batchNorm", [x, ...each.map((part) => weight(`${name}.${part}`))], normalized);
  };
  const rectify = (name, x) => line(name, "relu", [x], engine.relu);
  const shortcut = (x) => {
    if (last === "identity") throw new Stop();
    if (!downsample) return x;
    steps["downsample.0"] = convolve("downsample.0", x);
    return normalize("downsample.1", steps["downsample.0"]);
  };

  try {
    const x = array(input);
    if (order === "before") steps.identity = shortcut(x);
    let out = x;
    for (const [conv, relu] of [["conv1", "relu1"], ["conv2", "relu2"], ["conv3"]]) {
      out = steps[conv] = convolve(conv, out);
      out = steps[NORMS[conv]] = normalize(NORMS[conv], out);
      if (relu) out = steps[relu] = rectify(relu, out);
    }
    if (order === "after") steps.identity = shortcut(x);
    out = steps.add = line("add", "add", [out, steps.identity], engine.add);
    steps.relu3 = rectify("relu3", out);
  } catch (stopped) {
    if (!(stopped instanceof Stop)) throw stopped;
  }
  return steps;
}

// In training, with the statistics of what it reads.
function normalized(x, weight, bias, mean, variance) {
  if (mean) return engine.batchNorm(x, { weight, bias, mean, variance });
  const own = engine.moments(x), made = engine.batchNorm(x, { weight, bias, ...own });
  Object.values(own).forEach(engine.dispose);
  return made;
}

// Before the line that fails.
class Stop extends Error {}

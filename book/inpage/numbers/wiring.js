// Which lines there are, what each reads and how it computes: {step: {kind, from, variable, line, …}}. `kind` is one of
// made.js's, `from` lists the steps that it reads, `variable` and `line` are what the code says. Besides:
//   convolution  weight, bias: names of its weights (bias: null where it has none); kernel, stride, padding, dilation,
//                groups, inputs, outputs
//   norm         weights: the name before ".weight", ".bias", ".running_mean", ".running_var"; training
//   projection   what a norm has; it reads a convolution within its own line
//   largest      kernel, stride, padding, dilation
// `unseen`: no line shows it.
import { convolutions, SOURCE } from "../compute/arithmetic.js";
import { CONV1, MAXPOOL } from "../compute/stem-windows.js";

const LINES = Object.fromEntries(SOURCE.after.map(([line, step]) => [step, line.trim()]));

// A bottleneck of arithmetic.js's `plan`. A line that is left out copies what it would have read.
export function blockWiring({ config }, training = config.training) {
  const { downsample, without = [] } = config, settings = convolutions(config);
  const convolution = (name, from) => ({ kind: "convolution", from: [from], weight: `${name}.weight`, bias: null, ...settings[name] });
  const norm = (name, from) => ({ kind: "norm", from: [from], weights: name, training });
  const own = (kind, ...from) => ({ kind, from });
  const steps = {
    input: { ...own("input"), variable: "x", line: "def forward(self, x):" },
    conv1: convolution("conv1", "input"), bn1: norm("bn1", "conv1"), relu1: own("relu", "bn1"),
    conv2: convolution("conv2", "relu1"), bn2: norm("bn2", "conv2"), relu2: own("relu", "bn2"),
    conv3: convolution("conv3", "relu2"), bn3: norm("bn3", "conv3"),
    identity: { ...own("copy", "input"), variable: "identity", line: LINES.input },
    add: own("sum", "bn3", "identity"), relu3: own("relu", "add"), output: own("copy", "relu3"),
  };
  if (downsample) {
    const line = LINES.identity;
    steps["downsample.0"] = { ...convolution("downsample.0", "input"), variable: "downsample[0](x)", line };
    steps.identity = { ...norm("downsample.1", "downsample.0"), kind: "projection", variable: "identity", line };
    if (without.includes("downsample.1")) steps.identity.withoutNorm = true;
  }
  for (const [step, one] of Object.entries(steps)) {
    if (without.includes(step)) Object.assign(one, { kind: "copy", leftOut: true });
    steps[step] = { variable: "out", line: LINES[step], ...one };
  }
  return steps;
}

// What the photograph goes through before it is a block's input; with blockWiring, one number is told back to its pixels.
export function stemWiring() {
  const variable = "x", line = "def forward(self, x):";
  return {
    photograph: { kind: "input", from: [], variable, line, unseen: true },
    "stem.conv1": {
      kind: "convolution", from: ["photograph"], variable, line: "x = self.conv1(x)", weight: "stem.conv1.weight", bias: null,
      ...CONV1, groups: 1, inputs: 3, outputs: 64,
    },
    "stem.bn1": { kind: "norm", from: ["stem.conv1"], variable, line: "x = self.bn1(x)", weights: "stem.bn1", training: false },
    "stem.relu": { kind: "relu", from: ["stem.bn1"], variable, line: "x = self.relu(x)" },
    "stem.maxpool": { kind: "largest", from: ["stem.relu"], variable, line: "x = self.maxpool(x)", ...MAXPOOL },
    input: { kind: "copy", from: ["stem.maxpool"], variable, line },
  };
}

// Chapter 1's lines, in training, without the calls that are left out: five branches of 256 channels, one line of three calls, a last convolution.
export function tailWiring(without) {
  const branches = ["out_1x1", "out_3x3_1", "out_3x3_2", "out_3x3_3", "out_img"], line = "out = F.relu(self.bn_conv_1x1_3(self.conv_1x1_3(out)))";
  const convolution = (name, from, inputs, outputs) => ({
    kind: "convolution", from: [from], weight: `${name}.weight`, bias: `${name}.bias`, inputs, outputs,
    kernel: 1, stride: 1, padding: 0, dilation: 1, groups: 1,
  });
  const steps = {
    ...Object.fromEntries(branches.map((name) => [name, { kind: "input", from: [], variable: name, line: `def forward(self, ${branches.join(", ")}):` }])),
    cat: { kind: "joined", from: branches, variable: "out", line: `out = torch.cat([${branches.join(", ")}], 1)` },
    conv_1x1_3: { ...convolution("conv_1x1_3", "cat", 1280, 256), variable: "conv_1x1_3(out)", line },
    bn_conv_1x1_3: { kind: "norm", from: ["conv_1x1_3"], weights: "bn_conv_1x1_3", training: true, variable: "bn_conv_1x1_3(…)", line },
    relu: { kind: "relu", from: ["bn_conv_1x1_3"], variable: "out", line },
    conv_1x1_4: { ...convolution("conv_1x1_4", "relu", 256, 20), variable: "out", line: "out = self.conv_1x1_4(out)" },
  };
  for (const step of without) Object.assign(steps[step], { kind: "copy", leftOut: true });
  return steps;
}

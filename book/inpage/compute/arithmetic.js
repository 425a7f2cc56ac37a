// What can be said of a bottleneck block without computing it: the shape, parameters, multiply–accumulates and
// receptive field of every line, and which line fails. Everything here is plain arithmetic and answers at once.

import { size } from "./tensors.js";
import { outputsAlong } from "./windows.js";

const EXPANSION = 4;
export const EPS = 1e-5; // batch norm's
export const NORMS = { conv1: "bn1", conv2: "bn2", conv3: "bn3", "downsample.0": "downsample.1" }; // by the convolution that each reads
export const DEFAULTS = {
  inplanes: 64, planes: 64, stride: 1, groups: 1, base_width: 64, dilation: 1, height: 56, width: 56,
  downsample: undefined, // where torchvision's ResNet would make one
  version: "v1.5", training: false, order: "after",
  without: [], // lines to leave out, of LEAVABLE
};
// The steps that forward can do without: it goes on with what the line would have read. "downsample.1" is the batch norm
// within the shortcut's line.
export const LEAVABLE = ["bn1", "relu1", "bn2", "relu2", "bn3", "downsample.1", "add", "relu3"];

// What can be left out of the line that makes `step`: the step, or the shortcut's batch norm; null where nothing can.
export function leavableAt(step) {
  const own = step === "identity" ? "downsample.1" : step;
  return LEAVABLE.includes(own) ? own : null;
}
const COUNTS = ["inplanes", "planes", "stride", "groups", "dilation", "height", "width"];
const CHOICES = { version: ["v1", "v1.5"], order: ["after", "before"], training: [true, false] };
const MOST_VALUES = 2 ** 26; // float32 of all lines together: what a phone can hold

// The lines of forward, each with the step that it makes: torchvision's, and the one that asks for the shortcut first.
const START = [["def forward(self, x):"], ["    identity = x", "input"]];
const SHORTCUT = [["    if self.downsample is not None:"], ["        identity = self.downsample(x)", "identity"]];
const BRANCH = [
  [""],
  ["    out = self.conv1(x)", "conv1"], ["    out = self.bn1(out)", "bn1"], ["    out = self.relu(out)", "relu1"], [""],
  ["    out = self.conv2(out)", "conv2"], ["    out = self.bn2(out)", "bn2"], ["    out = self.relu(out)", "relu2"], [""],
  ["    out = self.conv3(out)", "conv3"], ["    out = self.bn3(out)", "bn3"],
];
const END = [[""], ["    out += identity", "add"], ["    out = self.relu(out)", "relu3"], [""], ["    return out", "output"]];
export const SOURCE = {
  after: [...START, ...BRANCH, [""], ...SHORTCUT, ...END],
  before: [...START, ...SHORTCUT, ...BRANCH, ...END],
};

export class Refused extends Error {
  // `pytorch`: what PyTorch says, where it says anything; `keys`: the settings that are to blame; `line`: which step.
  constructor({ zh, en, pytorch = "", keys = [], line = null }) {
    super(pytorch ? `${en} (${pytorch})` : en);
    Object.assign(this, { name: "Refused", zh, en, pytorch, keys, line });
  }
}

// The whole configuration of a partial one. Throws Refused where no block can be built from it.
export function complete(partial) {
  const config = { ...DEFAULTS };
  for (const [key, value] of Object.entries(partial)) {
    if (!(key in DEFAULTS)) {
      throw new Refused({
        keys: [key], zh: `没有 ${key} 这个设置；有的是 ${Object.keys(DEFAULTS).join("、")}。`,
        en: `There is no setting ${key}; there are ${Object.keys(DEFAULTS).join(", ")}.`,
      });
    }
    if (value !== undefined && value !== null) config[key] = value;
  }
  COUNTS.forEach((key) => wholeNumber(key, config[key]));
  for (const [key, values] of Object.entries(CHOICES)) {
    if (!values.includes(config[key])) {
      throw new Refused({
        keys: [key], zh: `${key} 只能是 ${values.join("、")}，不能是 ${config[key]}。`,
        en: `${key} is one of ${values.join(", ")}, not ${config[key]}.`,
      });
    }
  }
  if (typeof config.base_width !== "number" || !(config.base_width > 0) || !Number.isFinite(config.base_width)) {
    throw new Refused({
      keys: ["base_width"], zh: `base_width 要一个正数，例如 64；现在是 ${config.base_width}。`,
      en: `base_width is a positive number such as 64, not ${config.base_width}.`,
    });
  }
  if (config.downsample !== undefined && typeof config.downsample !== "boolean") {
    throw new Refused({
      keys: ["downsample"], zh: `downsample 只能是 true 或 false，不能是 ${config.downsample}。`,
      en: `downsample is true or false, not ${config.downsample}.`,
    });
  }
  if (!Array.isArray(config.without) || config.without.some((step) => !LEAVABLE.includes(step))) {
    throw new Refused({
      keys: ["without"], zh: `without 列出要去掉的行，可以是 ${LEAVABLE.join("、")}；现在是 ${config.without}。`,
      en: `without lists lines to leave out, of ${LEAVABLE.join(", ")}; it is ${config.without}.`,
    });
  }
  config.downsample ??= config.stride !== 1 || config.inplanes !== config.planes * EXPANSION;
  return config;
}

function wholeNumber(key, value) {
  if (Number.isInteger(value) && value > 0) return;
  const pytorch = value > 0 || typeof value !== "number" ? "" : {
    stride: "RuntimeError: non-positive stride is not supported",
    groups: value === 0 ? "ValueError: groups must be a positive integer" : "",
    dilation: value === 0
      ? "RuntimeError: dilation should be greater than zero, but got [0, 0]"
      : "RuntimeError: negative padding is not supported",
  }[key] ?? "";
  throw new Refused({
    keys: [key], pytorch, zh: `${key} 要一个不小于 1 的整数；现在是 ${value}。`,
    en: `${key} is a whole number of at least 1, not ${value}.`,
  });
}

// The channels inside the block, as torchvision's class works them out.
export const innerWidth = ({ planes, base_width, groups }) => Math.trunc(planes * (base_width / 64)) * groups;

// The convolutions by name: channels in and out, kernel and settings.
export function convolutions(config) {
  const { inplanes, planes, stride, groups, dilation, version, downsample } = config;
  const width = innerWidth(config), first = version === "v1" ? stride : 1;
  const plain = { kernel: 1, stride: 1, padding: 0, dilation: 1, groups: 1 };
  return {
    ...(downsample && { "downsample.0": { ...plain, inputs: inplanes, outputs: planes * EXPANSION, stride } }),
    conv1: { ...plain, inputs: inplanes, outputs: width, stride: first },
    conv2: { inputs: width, outputs: width, kernel: 3, stride: stride / first, padding: dilation, dilation, groups },
    conv3: { ...plain, inputs: width, outputs: planes * EXPANSION },
  };
}

// The weights' names and shapes, in PyTorch's order of registration.
export function weightShapes(config) {
  const shapes = {};
  const all = convolutions(config);
  for (const [conv, norm] of Object.entries(NORMS)) {
    if (!all[conv]) continue;
    const { inputs, outputs, kernel, groups } = all[conv];
    shapes[`${conv}.weight`] = [outputs, inputs / groups, kernel, kernel];
    for (const part of ["weight", "bias", "running_mean", "running_var"]) shapes[`${norm}.${part}`] = [outputs];
  }
  return shapes;
}

// {config, steps: {name: {shape, params, macs, receptiveField}}, refused, params, macs}. `refused` names the line that
// fails, `steps` has those before it. Throws Refused where there is no block at all.
export function plan(partial) {
  const config = complete(partial);
  const all = convolutions(config), steps = {};
  let refused = null;
  try {
    const input = { shape: [1, config.inplanes, config.height, config.width], params: 0, macs: 0, receptiveField: 1, jump: 1 };
    const take = (name, step) => {
      steps[name] = step;
      const values = Object.values(steps).reduce((sum, { shape }) => sum + size(shape), 0);
      if (values > MOST_VALUES) throw tooLarge(values);
      return step;
    };
    take("input", input);
    const line = (name, before, made) => (config.without.includes(name) ? free(before) : made());
    const shortcut = () => {
      if (!config.downsample) return take("identity", free(input));
      const projected = convolved(input, "downsample.0", all, config), { params, macs } = projected;
      const made = line("downsample.1", projected, () => normed(projected, "identity", config));
      return take("identity", { ...made, params: params + made.params, macs });
    };
    if (config.order === "before") shortcut();
    let out = input;
    for (const [conv, norm, relu] of [["conv1", "bn1", "relu1"], ["conv2", "bn2", "relu2"], ["conv3", "bn3"]]) {
      out = take(conv, convolved(out, conv, all, config));
      out = take(norm, line(norm, out, () => normed(out, norm, config)));
      if (relu) out = take(relu, free(out));
    }
    if (config.order === "after") shortcut();
    out = take("add", line("add", out, () => added(out, steps.identity, config)));
    take("relu3", free(out));
    steps.output = free(out);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refused = error;
  }
  const total = (key) => Object.values(steps).reduce((sum, step) => sum + step[key], 0);
  return { config, steps, refused, params: total("params"), macs: total("macs") };
}

const free = (step) => ({ ...step, params: 0, macs: 0 });
const torchSize = (shape) => `[${shape.join(", ")}]`;

function convolved(input, name, all, config) {
  const { inputs, outputs, kernel, stride, dilation, groups } = all[name];
  if (!outputs) {
    throw new Refused({
      line: name, keys: ["planes", "base_width"],
      pytorch: "RuntimeError: Given groups=1, expected weight to be at least 1 at dimension 0, but got weight of size "
        + `[0, ${inputs}, 1, 1] instead`,
      zh: `块里面的通道数是 int(planes × base_width / 64) × groups = int(${config.planes} × ${config.base_width} / 64) × ${config.groups} = 0，一个通道也没有：请把 planes 或 base_width 调大。`,
      en: `Inside the block there would be int(planes × base_width / 64) × groups = int(${config.planes} × ${config.base_width} / 64) × ${config.groups} = 0 channels: make planes or base_width larger.`,
    });
  }
  const shape = [1, outputs, ...input.shape.slice(2).map((length) => outputsAlong(length, all[name]))];
  const each = (inputs / groups) * kernel * kernel;
  return {
    shape, params: outputs * each, macs: size(shape) * each, jump: input.jump * stride,
    receptiveField: input.receptiveField + (kernel - 1) * dilation * input.jump,
  };
}

function normed(input, line, config) {
  const [, channels, height, width] = input.shape;
  if (config.training && height * width === 1) {
    throw new Refused({
      line, keys: ["training", "height", "width"],
      pytorch: `ValueError: Expected more than 1 value per channel when training, got input size torch.Size(${torchSize(input.shape)})`,
      zh: "训练时批归一化要算每个通道的均值和方差，这里每个通道只有一个数，方差无从谈起：请把输入调大，或改用 eval。",
      en: "In training, batch norm takes the mean and variance of each channel, and here a channel has a single value: make the input larger, or use eval.",
    });
  }
  return { ...input, params: 2 * channels, macs: 0 };
}

// `out += identity`: PyTorch stretches sides of length 1, but never the one that it writes into.
function added(out, identity, config) {
  const one = out.shape, other = identity.shape;
  const clash = [3, 2, 1, 0].find((at) => one[at] !== other[at] && one[at] !== 1 && other[at] !== 1);
  const stretched = one.map((length, at) => (length === 1 ? other[at] : length));
  if (clash === undefined && stretched.every((length, at) => length === one[at])) {
    return {
      ...free(out), receptiveField: Math.max(out.receptiveField, identity.receptiveField),
      jump: Math.max(out.jump, identity.jump),
    };
  }
  throw new Refused({
    line: "add", keys: ["downsample", "stride"],
    pytorch: clash === undefined
      ? `RuntimeError: output with shape ${torchSize(one)} doesn't match the broadcast shape ${torchSize(stretched)}`
      : `RuntimeError: The size of tensor a (${one[clash]}) must match the size of tensor b (${other[clash]}) at non-singleton dimension ${clash}`,
    zh: `out 是 ${one.join("×")}，identity 是 ${other.join("×")}，加不到一起：${config.downsample ? "" : "请加上 downsample，"}残差相加要求两边形状一样。`,
    en: `out is ${one.join("×")} and identity is ${other.join("×")}; they cannot be added${config.downsample ? "" : " without a downsample"}: a residual sum needs equal shapes.`,
  });
}

function tooLarge(values) {
  const megabytes = Math.round((values * 4) / 1e6);
  return new Refused({
    keys: ["height", "width", "planes", "inplanes"],
    zh: `这样的块光是各行的张量就要 ${megabytes} MB 以上，这一页最多算 ${(MOST_VALUES * 4) / 1e6} MB：请把通道数或输入调小。PyTorch 自己算得了。`,
    en: `The lines' tensors alone would take more than ${megabytes} MB, and this page computes at most ${Math.round((MOST_VALUES * 4) / 1e6)} MB: take fewer channels or a smaller input. PyTorch itself can do it.`,
  });
}

// ---- the code that makes the block

export const FAMILIES = {
  "ResNet-50": { groups: 1, base_width: 64, dilation: 1, version: "v1.5" },
  "ResNeXt-50 32×4d": { groups: 32, base_width: 4, dilation: 1, version: "v1.5" },
  "Wide ResNet-50-2": { groups: 1, base_width: 128, dilation: 1, version: "v1.5" },
  "dilated ResNet-50": { groups: 1, base_width: 64, dilation: 2, version: "v1.5", stride: 1 },
};

// The network whose blocks are built so, or null.
export function family({ groups, base_width, dilation, version, stride }) {
  const known = Object.entries(FAMILIES).find(([, one]) => one.groups === groups && one.base_width === base_width
    && one.version === version && one.dilation === Math.min(dilation, 2) && (one.dilation === 1 || stride === 1));
  if (!known && version === "v1" && groups === 1 && base_width === 64 && dilation === 1) return "ResNet-50 V1";
  return known?.[0] ?? null;
}

// Python that builds the block with torchvision's class, or the book's.
export function constructorCall(config) {
  const { inplanes, planes, stride, groups, base_width, dilation, version, training } = config;
  const wanted = Object.entries({ stride, groups, base_width, dilation }).filter(([key, value]) => value !== DEFAULTS[key]);
  const settings = [inplanes, planes, ...wanted.map(([key, value]) => `${key}=${value}`)].join(", ");
  const lines = [];
  if (config.downsample) {
    const strided = stride === 1 ? "" : `, stride=${stride}`;
    lines.push(
      "downsample = nn.Sequential(",
      `    nn.Conv2d(${inplanes}, ${planes * EXPANSION}, kernel_size=1${strided}, bias=False),`,
      `    nn.BatchNorm2d(${planes * EXPANSION}),`, ")",
    );
  }
  lines.push(`block = Bottleneck(${settings}${config.downsample ? ", downsample=downsample" : ""})`);
  if (version === "v1" && stride !== 1) lines.push("block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride  # V1");
  lines.push(training ? "block.train()" : "block.eval()");
  return lines.join("\n");
}

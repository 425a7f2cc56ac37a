// The walks that cards show and the page can do again: which step each picture of a card is, and where in the line before a
// value reads. linewalk/draw/again.py names them on the cards.
import { convolutions, LEAVABLE, leavableAt, plan, SOURCE } from "../compute/arithmetic.js";
import { AFTER_CONV1, AFTER_STEM, MAXPOOL } from "../compute/stem-windows.js";
import { onPicture } from "../numbers/field.js";
import { blockWiring } from "../numbers/wiring.js";

const ONE = { kernel: 1, stride: 1, padding: 0, dilation: 1 };
const BRANCHES = { out_1x1: 1, out_3x3_1: 3, out_3x3_2: 7, out_3x3_3: 13, out_img: Infinity }; // the windows' sides

// By name: {before, window, variable, field, jump}. `before`: the steps that it reads; `window`: which of their values
// (a convolution's kernel, stride, padding and dilation); `variable`: its name in the code; `field`: how many pixels of
// the photograph a side one value sees; `jump`: how many lie between two of its values.
export const STEPS = { block: { ...stem(), ...block() }, tail: tail() };

function stem() {
  const step = (before, window, sees) => ({ before, window, variable: "x", ...sees });
  return {
    "stem.conv1": step([], ONE, AFTER_CONV1),
    "stem.bn1": step(["stem.conv1"], ONE, AFTER_CONV1),
    "stem.relu": step(["stem.bn1"], ONE, AFTER_CONV1),
    "stem.maxpool": step(["stem.relu"], MAXPOOL, AFTER_STEM),
  };
}

function block() {
  const { steps, config } = plan({}), windows = convolutions(config);
  return Object.fromEntries(Object.entries(blockWiring({ config })).map(([name, { from, variable }]) => [name, {
    before: from, window: windows[name] ?? ONE, variable: name === "downsample.0" ? name : variable,
    ...onPicture(steps[name] ?? steps.identity),
  }]));
}

function tail() {
  const { receptiveField, jump } = plan({}).steps.output, seeing = (side) => onPicture({ receptiveField: receptiveField + side - 1, jump });
  const branches = Object.entries(BRANCHES).map(([name, side]) => [name, { before: [], window: ONE, variable: name, ...seeing(side) }]);
  const everything = seeing(BRANCHES.out_img); // of which the others are parts
  const rest = { cat: Object.keys(BRANCHES), conv_1x1_3: ["cat"], bn_conv_1x1_3: ["conv_1x1_3"], relu: ["bn_conv_1x1_3"], conv_1x1_4: ["relu"] };
  const variable = (name) => (/conv_1x1_3$/.test(name) ? name : "out");
  return Object.fromEntries([
    ...branches,
    ...Object.entries(rest).map(([name, before]) => [name, { before, window: ONE, variable: variable(name), ...everything }]),
  ]);
}

// ---- cards

const PICTURED = {
  block: {
    identity: ["downsample.0", "identity"], add: ["bn3", "identity", "add"],
    relu1: ["bn1", "relu1"], relu2: ["bn2", "relu2"], relu3: ["add", "relu3"], // in place: before and after
  },
  stem: { "stem.relu": ["stem.bn1", "stem.relu"] },
  tail: { out_img: Object.keys(BRANCHES), relu: ["conv_1x1_3", "bn_conv_1x1_3", "relu"] },
};

// What was made last when each line of forward had run.
const LINES = {
  block: (order) => SOURCE[order].filter(([line]) => line).reduce((made, [, step]) => [...made, step ?? made.at(-1) ?? "input"], []),
  stem: () => [null, "stem.conv1", "stem.bn1", "stem.relu", "stem.maxpool", "stem.maxpool"],
  tail: () => ["out_img", "cat", "relu", "conv_1x1_4", "conv_1x1_4"],
};

// {step, pictures: [[image, step], …]} of a card; `step` is what its line leaves behind.
export function shownBy(card) {
  const [walk, order] = card.dataset.again.split(" ");
  const step = LINES[walk](order)[card.dataset.step];
  const images = [...card.querySelectorAll(".lw-maps img[data-grid]")], names = PICTURED[walk][step] ?? [step];
  return { step, pictures: images.length === names.length ? images.map((image, at) => [image, names[at]]) : [] };
}

export const familyOf = (card) => (card.dataset.again === "tail" ? "tail" : "block");

// ---- what can be left out

// The founding line is three calls; its convolution changes the shape, and what follows could not run without it.
const CALLS = ["conv_1x1_3", "bn_conv_1x1_3", "relu"];
const LEAVES = { block: LEAVABLE, tail: CALLS.slice(1) };

// A switch for each thing that can be left out of the line that makes `step`: what switchFor takes of it.
export function leavesOf(family, step, source) {
  const steps = family === "tail" ? (CALLS.includes(step) ? LEAVES.tail : []) : [leavableAt(step)].filter(Boolean);
  return steps.map((one) => ({ step: one, leavable: LEAVES[family], source }));
}

// ---- places

// Where one value reads in the steps before, {from, channel, box}, a box in values of a channel; null where it reads none.
// Of a convolution, which reads all channels, it is the one that weighs most in `description` (made.js).
export function cellsOf({ before, window: { kernel, stride, padding, dilation } }, [channel, y, x], description) {
  if (!before.length) return null;
  const { source, sources, channels } = description?.parts?.at(-1) ?? description ?? {}, side = dilation * (kernel - 1) + 1;
  return {
    from: source?.step ?? sources?.[0].step ?? before[0],
    channel: channels ? channels[0].channel : source?.index[0] ?? channel,
    box: { top: y * stride - padding, left: x * stride - padding, height: side, width: side },
  };
}

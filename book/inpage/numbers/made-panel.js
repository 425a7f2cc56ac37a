// How a number was made, for whoever looks at it: a sentence, then the numbers, such that they can be worked out by hand.
import { element } from "../page/element.js";
import { number } from "../page/maps.js";
import { bracketed, number5, signedText } from "./digits.js";
import { convolution } from "./made-convolution.js";
import { column, grid, listed, named, precisely, sayer } from "./made-parts.js";

// Shows a description of made.js in `place`, in place of what was there. `onGoTo(step, index)` hears to which earlier
// number the reader wants to go; without it, no number leads anywhere.
export function showMade(place, description, language, { onGoTo } = {}) {
  const hadFocus = place.contains(document.activeElement);
  const say = sayer(language, onGoTo);
  const title = element("p", { className: "made-title", tabIndex: -1 },
    element("strong", { textContent: say.words("这个数怎么来的", "How this number was made") }), " ",
    element("code", { textContent: `${named(description)} = ${number(description.shown)}` }));
  const panel = element("section", { className: "made", "aria-label": say.words("这个数怎么来的", "How this number was made") },
    title, ...KINDS[description.kind](description, say));
  place.replaceChildren(panel);
  if (hadFocus) title.focus();
}

// ---- one function a kind: description in, elements out

const KINDS = { input, copy, joined, largest, relu, sum, norm, convolution, projection };

function input(_, say) {
  return [say.sentence("这是输入，不是这几行算出来的。", "This is an input: these lines are given it, they have not made it.")];
}

function copy({ step, source, leftOut }, say) {
  const texts = leftOut
    ? ["这一行现在去掉了：前面的数原样往下传。", "This line is left out now: the number before it goes on unchanged."]
    : step === "output"
      ? ["return 什么也不算：返回的就是 out 里现在的数。", "return computes nothing: it hands over what out holds now."]
      : step === "input" ? ["x 就是主干（stem）返回的数，这个块还什么也没算。", "x is what the stem has returned; the block has not computed anything yet."]
      : ["这一行什么也不算：identity 就是 x，数也一样。", "This line computes nothing: identity is x, number for number."];
  return [say.sentence(...texts), say.goingTo(source)];
}

function joined({ index, source }, say) {
  return [
    say.sentence(
      `torch.cat 什么也不算，只把几个张量的通道接在一起：通道 ${index[0]} 就是 ${source.variable} 的通道 ${source.index[0]}。`,
      `torch.cat computes nothing, it puts the channels of several tensors one behind the other: channel ${index[0]} is channel ${source.index[0]} of ${source.variable}.`),
    say.goingTo(source),
  ];
}

function largest({ source, kernel, rows, columns, cells }, say) {
  const most = Math.max(...cells.map((cell) => Math.abs(cell.source.value)), Number.MIN_VALUE);
  const content = ({ source: one }) => (one.index ? say.going(one) : say.words("填充", "pad"));
  const table = grid(cells, kernel, "value", most, say.words("输入", "input"), content);
  table.querySelectorAll("td")[cells.findIndex((cell) => cell.source === source)].classList.add("made-largest");
  return [
    say.sentence(
      `最大池化看第 ${listed(rows, "、")} 行、第 ${listed(columns, "、")} 列这 ${kernel}×${kernel} 个数，只留下最大的 ${number(source.value)}。`,
      `Max pooling looks at ${kernel}×${kernel} numbers, rows ${listed(rows, ", ")} and columns ${listed(columns, ", ")}, and keeps the largest, ${number(source.value)}.`),
    element("div", { className: "made-grids" }, table),
    say.goingTo(source),
  ];
}

function relu({ source, total }, say) {
  const before = number(source.value), after = number(total);
  return [
    element("p", { className: "made-formula" }, "max(0, ", say.going(source), `) = ${after}`),
    source.value > 0
      ? say.sentence(`ReLU 只问一件事：比 0 大吗？${before} 比 0 大，原样留下。`, `ReLU asks one thing: is it above 0? ${before} is, and stays as it is.`)
      : say.sentence(`ReLU 只问一件事：比 0 大吗？${before} 不比 0 大，换成 0。`, `ReLU asks one thing: is it above 0? ${before} is not, and becomes 0.`),
    say.goingTo(source),
  ];
}

function sum({ sources, shown }, say) {
  const names = {
    bn3: say.words("out：三层卷积算出的修正", "out: the correction from three convolutions"),
    identity: say.words("identity：走捷径来的输入", "identity: the input, by way of the shortcut"),
  };
  const rows = sources.map((source) => ({
    value: source.value, name: element("span", {}, names[source.step], " ", say.going(source, named(source))),
  }));
  return [
    say.sentence("同一个位置上的两个数相加。", "Two numbers at the same place are added."),
    column(rows, shown, say, "out").list,
  ];
}

function norm(description, say) {
  const { source, channel, mean, variance, eps, deviation, weight, bias, batch, shown, total } = description;
  const centred = source.value - mean, normalized = centred / deviation, scaled = normalized * weight;
  const root = `√(${number5(variance)} + ${eps.toFixed(5)})`;
  const plus = (value) => signedText(number5(value)), minus = (value) => signedText(number5(-value));
  const times = (value) => bracketed(number5(value));
  const learned = ["γ 和 β 是学来的，ε 免得除以 0。", "γ and β are learned; ε keeps it from dividing by 0."];
  const rows = [
    [say.words("减去均值 μ", "subtract the mean μ"), `${number5(source.value)} ${minus(mean)}`, centred],
    [say.words("标准差：√(σ² + ε)", "standard deviation: √(σ² + ε)"), root, deviation],
    [say.words("除以它", "divide by it"), `${number5(centred)} ÷ ${number5(deviation)}`, normalized],
    [say.words("乘以 γ", "multiply by γ"), `${number5(normalized)} × ${times(weight)}`, scaled],
    [say.words("加上 β", "add β"), `${number5(scaled)} ${plus(bias)}`, total],
  ];
  const body = element("tbody", {}, ...rows.map(([name, calculation, result]) => element("tr", {},
    element("th", { scope: "row", textContent: name }), element("td", { textContent: calculation }), element("td", { textContent: `= ${number5(result)}` }))));
  return [
    batch
      ? say.sentence(
        `批归一化把通道 ${channel} 的数移到 0 附近，再缩放到大小差不多。现在是 train 模式：均值 μ 和方差 σ² 用这个通道在这一批里的 ${batch} 个数现算。${learned[0]}`,
        `Batch norm shifts the numbers of channel ${channel} to around 0 and scales them to about one size. The block is in train mode: the mean μ and the variance σ² are those of this channel's ${batch} numbers in this batch. ${learned[1]}`)
      : say.sentence(
        `批归一化把通道 ${channel} 的数移到 0 附近，再缩放到大小差不多。现在是 eval 模式：均值 μ 和方差 σ² 是训练时积累下来的。${learned[0]}`,
        `Batch norm shifts the numbers of channel ${channel} to around 0 and scales them to about one size. The block is in eval mode: the mean μ and the variance σ² were gathered during training. ${learned[1]}`),
    element("p", { className: "made-formula" },
      "(", say.going(source, number5(source.value)), ` ${minus(mean)}) ÷ ${root} × ${times(weight)} ${plus(bias)} ≈ ${number5(shown)}`),
    element("table", { className: "made-steps" }, body),
    precisely(description, say),
    say.goingTo(source),
  ];
}

function projection({ parts }, say) {
  const names = [
    say.words("先是 1×1 卷积，downsample[0]", "First a 1×1 convolution, downsample[0]"),
    say.words("再是批归一化，downsample[1]", "then batch norm, downsample[1]"),
  ];
  return [
    say.sentence(
      "捷径上的形状要和 out 一样才加得起来，所以 x 先走过 downsample。",
      "To be added, the shortcut has to have out's shape, so x goes through downsample first."),
    ...parts.flatMap((part, at) => [
      element("p", { className: "made-part" }, element("strong", { textContent: names[at] }), ` = ${number(part.shown)}`),
      ...KINDS[part.kind](part, at ? say.withoutLinks() : say), // what the second reads stands right above it
    ]),
  ];
}

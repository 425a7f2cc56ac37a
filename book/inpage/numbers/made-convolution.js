// How a convolution made a number: what each input channel adds, and one of them cell by cell.
import { element } from "../page/element.js";
import { decimalsFor, fixed, missing, signed } from "./digits.js";
import { column, grid, listed, named, partOf, precisely } from "./made-parts.js";
import { heaviest } from "./made.js";

const MOST = 6; // channels that are told one by one
const FORMULA = 3; // of a kernel, a side, up to which its products stand in one line as well
const SIGNS = ["", "×", "="];
let panels = 0;

// Elements for a description of made.js, said with `say` of made-parts.js.
export function convolution(description, say) {
  const { first, count, sum: others } = heaviest(description, MOST), { kernel, channels, shown, bias } = description;
  const id = `made-${(panels += 1)}`;
  const told = element("p", { className: "made-part", role: "status" }), cells = element("div");
  const detail = element("div", { className: "made-detail", id }, told, cells);
  const buttons = new Map();
  let chosen = null, seen = null;
  const look = (channel) => {
    if (channel !== seen) cellByCell(channel, description, say, told, cells);
    seen = channel;
  };
  const choose = (channel) => {
    chosen = channel;
    buttons.forEach((button, other) => button.setAttribute("aria-pressed", String(other === channel)));
    look(channel);
  };
  const rowOf = (channel) => {
    const button = element("button", {
      type: "button", className: "made-channel", "aria-pressed": "false", "aria-controls": id, onclick: () => choose(channel),
      onpointerenter: ({ pointerType }) => pointerType === "mouse" && look(channel),
      textContent: say.words(`通道 ${channel.channel}`, `channel ${channel.channel}`),
    });
    buttons.set(channel, button);
    return { name: button, value: channel.sum };
  };
  const rows = first.map(rowOf);
  if (count) rows.push({ name: restButton(count, say), value: others, isRest: true });
  if (bias !== null) rows.push({ name: say.words("偏置（bias）", "the bias"), value: bias });
  const { list, row } = column(rows, shown, say, element("code", { textContent: named(description) }));
  if (count) unfold(list.querySelector(".made-rest"), () => channels.slice(MOST).map((channel) => row(rowOf(channel))));
  list.onpointerleave = () => look(chosen); // who goes on to what it shows passes over others
  choose(first[0]);
  const products = kernel * kernel;
  return [
    ...introduced(description, say),
    element("div", { className: "made-sides" },
      element("div", {},
        products > 1
          ? say.sentence(
            `每个输入通道加上多少，大的在前；点一个，就看到它的 ${products} 个乘积。`,
            `What each input channel adds, the largest first. Pick one to see its ${products} products.`)
          : say.sentence(
            "每个输入通道加上多少，大的在前；点一个，就看到它的乘法。",
            "What each input channel adds, the largest first. Pick one to see its product."),
        list),
      detail),
    precisely(description, say),
    legend(first[0].cells.some(({ source }) => !source.index), say),
  ];
}

const restButton = (count, say) => element("button", {
  type: "button", className: "made-more", "aria-expanded": "false",
  textContent: say.words(`其余 ${count} 个通道`, `${count} other channel${count > 1 ? "s" : ""}`),
});

// What the row sums up lies below it, made when the row's button is first pressed.
function unfold(row, makeRows) {
  const button = row.querySelector("button"), inside = element("ol", { className: "made-column made-all" });
  const place = element("li", { className: "made-inside", hidden: true }, inside);
  row.after(place);
  button.onclick = () => {
    if (!inside.childElementCount) inside.append(...makeRows());
    place.hidden = !place.hidden;
    button.setAttribute("aria-expanded", String(!place.hidden));
  };
}

function introduced({ index, kernel, stride, dilation, groups, inputs, rows, columns, channels, first, bias }, say) {
  const each = channels.length, products = each * kernel * kernel, outside = channels[0].cells.filter(({ source }) => !source.index).length;
  const forEach = each > 1
    ? [`给 ${each} 个输入通道各备`, `for each of ${each} input channels`] : ["给它读的那个输入通道备", "for the one input channel that it reads"];
  const sum = [
    `${products > 1 ? `${products} 个乘积加起来` : "这个乘积"}${bias === null ? "" : "再加上偏置"}，就是这个数`,
    products > 1 || bias !== null ? `the ${products > 1 ? `${products} products` : "product"}${bias === null ? "" : " and the bias"} add up to this number`
      : "the product is this number",
  ];
  const zh = [], en = [];
  if (kernel === 1) {
    zh.push(`输出通道 ${index[0]} ${forEach[0]}一个权重。每个权重乘上那个通道里第 ${rows[0]} 行、第 ${columns[0]} 列的数，${sum[0]}。`);
    en.push(`Output channel ${index[0]} has one weight ${forEach[1]}. Each is multiplied by that channel's number at row ${rows[0]}, column ${columns[0]}; ${sum[1]}.`);
  } else {
    zh.push(`输出通道 ${index[0]} ${forEach[0]}一个 ${kernel}×${kernel} 的卷积核，也就是一小格权重。每个权重乘上它盖住的数，${sum[0]}。`);
    en.push(`Output channel ${index[0]} has a ${kernel}×${kernel} kernel, a small grid of weights, ${forEach[1]}. Every weight is multiplied by the number under it; ${sum[1]}.`);
    zh.push(`卷积核盖住输入的第 ${listed(rows, "、")} 行，第 ${listed(columns, "、")} 列。`);
    en.push(`The kernel lies over rows ${listed(rows, ", ")} and columns ${listed(columns, ", ")} of the input.`);
  }
  if (channels[0].cells.some(({ source }) => source.unseen)) {
    zh.push("输入是照片的像素，已经减去均值、除以标准差；通道 0、1、2 是红、绿、蓝。");
    en.push("The input is the photograph's pixels, less their mean and divided by their deviation; channels 0, 1, 2 are red, green, blue.");
  }
  if (groups > 1) {
    const group = first / each;
    zh.push(`分成 ${groups} 组：这个通道在第 ${group} 组（从 0 数起），只读 ${inputs} 个输入通道里的 ${first}${each > 1 ? `～${first + each - 1}` : ""}。`);
    en.push(`There are ${groups} groups: this channel is in group ${group}, counted from 0, and reads only input channel${each > 1 ? "s" : ""} ${first}${each > 1 ? `–${first + each - 1}` : ""} of ${inputs}.`);
  }
  if (stride > 1) {
    zh.push(`步幅 ${stride}：输出走一格，输入走 ${stride} 格。`);
    en.push(`Stride ${stride}: one step in the output is ${stride} in the input.`);
  }
  if (dilation > 1 && kernel > 1) {
    zh.push(`空洞率 ${dilation}：相邻的两个权重在输入上相距 ${dilation} 格。`);
    en.push(`Dilation ${dilation}: neighbouring weights lie ${dilation} cells apart in the input.`);
  }
  if (outside) {
    zh.push(`有 ${outside} 格在边缘以外，是填充，算 0。`);
    en.push(`${outside} of its cells ${outside > 1 ? "lie" : "lies"} beyond the edge: padding, which counts as 0.`);
  }
  return [say.sentence(zh.join(""), en.join(" "))];
}

// What one input channel adds: the numbers under its kernel × the kernel = the products, and their sum.
function cellByCell({ channel, cells, sum: whole }, { kernel, channels }, say, told, place) {
  const decimals = decimalsFor([...cells.map(({ product }) => product), whole]), weights = cells.map(({ weight }) => weight);
  const finest = kernel > FORMULA ? 1 : 0; // digits that many cells have no room for
  const tables = [
    ["value", say.words("输入", "input"), ({ source }) => (source.index ? say.going(source) : say.words("填充 0", "pad 0"))],
    ["weight", kernel > 1 ? say.words("卷积核", "kernel") : say.words("权重", "weight"), ({ weight }) => fixed(weight, decimalsFor(weights) - 1 - finest)],
    ["product", say.words("乘积", kernel > 1 ? "products" : "product"), ({ product }) => fixed(product, decimals - finest)],
  ];
  const sides = tables.map(([key, caption, content], at) => element("div", { className: "made-term" },
    ...(at ? [element("span", { className: "made-sign", textContent: SIGNS[at], "aria-hidden": "true" })] : []),
    grid(cells, kernel, key, largestOf(channels, key), caption, content)));
  told.replaceChildren(element("strong", { textContent: say.words(`输入通道 ${channel}`, `Input channel ${channel}`) }), ` ${say.words("加上", "adds")} ${fixed(whole, decimals)}`);
  const middle = [cells[cells.length >> 1], ...cells].map(({ source }) => source).find(({ index }) => index);
  place.replaceChildren(
    element("div", { className: "made-grids" }, ...sides),
    ...(kernel > 1 && kernel <= FORMULA ? [inOneLine(cells, whole, decimals, say)] : []),
    middle ? say.goingTo(middle) : "");
}

const largestOf = (channels, key) => Math.max(
  ...channels.map(({ cells }) => Math.max(...cells.map((cell) => Math.abs(partOf(cell, key))))), Number.MIN_VALUE);

function inOneLine(cells, whole, decimals, say) {
  const products = cells.filter(({ source }) => source.index).map(({ product }) => product), left = missing(products, whole, decimals);
  const terms = products.map((product, at) => (at ? signed(product, decimals) : fixed(product, decimals))).join(" ") || "0";
  const rounding = element("span", { className: "made-quiet", textContent: ` ${signed(left, decimals)} ${say.words("（舍入）", "(rounding)")}` });
  return element("p", { className: "made-formula" }, terms, left ? rounding : "", ` = ${fixed(whole, decimals)}`);
}

function legend(padded, say) {
  return say.sentence(
    `橙色是正数，蓝色是负数；颜色越深，离 0 越远。${padded ? "虚线框是填充。" : ""}`,
    `Orange is above 0, blue below; the deeper, the further from 0.${padded ? " Dashed cells are padding." : ""}`,
    "made-said made-quiet");
}

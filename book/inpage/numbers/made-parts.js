// What the panel of a number's making consists of: sentences, numbers that lead somewhere, sums in a column, small grids.
import { element } from "../page/element.js";
import { number } from "../page/maps.js";
import { wordsIn } from "../page/words.js";
import { decimalsFor, fixed, minus, missing, signed } from "./digits.js";

// What a panel says things with, in a language of words.js. `onGoTo(step, index)` as showMade has it.
export function sayer(language, onGoTo) {
  const words = wordsIn(language);
  return {
    words,
    withoutLinks: () => sayer(language),
    // A paragraph; in both languages, one under the other.
    sentence(zh, en, className = "made-said") {
      const spans = Object.entries({ zh, en }).filter(([lang]) => language === "both" || lang === language);
      return element("p", { className }, ...spans.map(([lang, text]) => element("span", { lang, textContent: text })));
    },
    // A number that leads to where it stands.
    going(source, text = number(source.value)) {
      if (!onGoTo || source.unseen) return element("span", { className: "made-from", textContent: text });
      return element("button", {
        type: "button", className: "made-from", textContent: text, onclick: () => onGoTo(source.step, source.index),
        "aria-label": words(`${text}，去看 ${named(source)}（${source.line}）`, `${text}, go to ${named(source)} (${source.line})`),
      });
    },
    // The button for it, with its name and its line.
    goingTo(source) {
      if (!onGoTo || source.unseen) return "";
      return element("p", { className: "made-said" }, element("button", {
        type: "button", className: "made-go", onclick: () => onGoTo(source.step, source.index),
      }, `← ${words("去看", "go to")} `, element("code", { textContent: named(source) }), " · ",
      element("code", { textContent: source.line })));
    },
  };
}

export const named = ({ variable, index }) => `${variable}[0, ${index.join(", ")}]`;

// The result with more digits, and what float32 has rounded away.
export function precisely({ total, shown }, say) {
  const apart = Math.abs(total - shown);
  if (!apart || !Number.isFinite(apart)) return "";
  const decimals = Math.min(20, Math.max(0, -Math.floor(Math.log10(apart))));
  const [exact, computed] = [total, shown].map((value) => fixed(value, decimals + 1)), difference = apart.toFixed(decimals);
  return say.sentence(
    `更精确的结果是 ${exact}。这个块用 float32 算，只有 7 位左右有效数字，得 ${computed}；差的 ${difference} 是舍入误差。`,
    `More exactly it is ${exact}. The block computes in float32, which has about 7 digits, and gets ${computed}; the ${difference} between them is rounding.`,
    "made-said made-quiet");
}

// A sum as one writes it by hand: a row for each term, a line, the result. `rows`: [{name, value, isRest}]; what is the
// sum of many has no bar, which would dwarf the others.
export function column(rows, result, say, resultName) {
  const single = rows.filter(({ isRest }) => !isRest).map(({ value }) => value);
  const decimals = decimalsFor(single), left = missing(rows.map(({ value }) => value), result, decimals);
  const largest = Math.max(...single.map(Math.abs), Number.MIN_VALUE);
  const row = ({ name, value, isRest }) => element("li", { className: isRest ? "made-rest" : "" },
    element("span", { className: "made-name" }, name), isRest ? "" : barOf(value / largest), numberOf(signed(value, decimals)));
  const list = element("ol", { className: "made-column" }, ...rows.map(row));
  if (left) {
    list.append(element("li", { className: "made-quiet" },
      element("span", { className: "made-name", textContent: say.words("以上各行的舍入", "rounding of the rows above") }), numberOf(signed(left, decimals))));
  }
  list.append(element("li", { className: "made-total" }, element("span", { className: "made-name" }, resultName), numberOf(`= ${fixed(result, decimals)}`)));
  return { list, row };
}

const numberOf = (text) => element("span", { className: "made-number", textContent: text });

function barOf(share) {
  const bar = element("span", { className: `made-bar ${share < 0 ? "made-negative" : "made-positive"}` });
  bar.style.setProperty("--share", `${(100 * Math.min(1, Math.abs(share))).toFixed(1)}%`);
  return bar;
}

// Rows or columns: 109–115 where they are many and next to each other.
export function listed(places, comma) {
  const close = places.length > 3 && places[1] - places[0] === 1;
  return close ? `${minus(places[0])}–${minus(places.at(-1))}` : places.map(minus).join(comma);
}

// Cells in rows of `kernel`, coloured by `key`, which is deepest at `largest`; `content(cell)` stands in each.
export function grid(cells, kernel, key, largest, caption, content) {
  const boxOf = (cell) => {
    const box = element("td", { className: cell.source.index ? partOf(cell, key) < 0 ? "made-negative" : "made-positive" : "made-padding" }, content(cell));
    box.style.setProperty("--share", `${(100 * Math.min(1, Math.abs(partOf(cell, key)) / largest) ** 0.75).toFixed(1)}%`);
    return box;
  };
  const rows = Array.from({ length: kernel }, (_, row) => element("tr", {}, ...cells.slice(row * kernel, (row + 1) * kernel).map(boxOf)));
  return element("table", { className: `made-grid${kernel > 3 ? " made-large" : ""}` }, element("caption", { textContent: caption }), element("tbody", {}, ...rows));
}

// A cell's value, weight or product.
export const partOf = (cell, key) => (key === "value" ? cell.source.value : cell[key]);

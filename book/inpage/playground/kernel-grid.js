// Kernel, stride, padding and dilation drawn: which input cells one output cell reads, on a small grid that plays.
import { convolutions } from "../compute/arithmetic.js";
import { outputsAlong, placesUnder } from "../compute/windows.js";
import { drawn, element } from "../page/element.js";
import { words } from "../page/words.js";

const SIDE = 7; // cells of the small input
const CELL = 20, GAP = 34; // px
const PACE = 700; // ms a step
const WIDEST = 16; // rows of padding, and cells from one to the next, up to which it is drawn

export function kernelGrid() {
  let settings = {}, at = 0, timer = null;
  const which = element("select", { id: "pg-taps-line", onchange: () => { at = 0; draw(); } });
  const picture = drawn("svg", { role: "img" });
  const said = element("p", { className: "pg-said", role: "status" });
  const play = element("button", { type: "button", onclick: () => (timer ? stop() : start()) });
  const button = (sign, name, by) => element("button", {
    type: "button", textContent: sign, "aria-label": name, onclick: () => { stop(); move(by); },
  });
  const bar = element("div", { className: "pg-bar" },
    element("label", { for: "pg-taps-line", textContent: words("卷积", "convolution") }), which,
    button("←", words("上一格", "the cell before"), -1), play, button("→", words("下一格", "the next cell"), 1));
  const figure = element("figure", { className: "pg-taps" }, bar, picture, said);

  const start = () => { timer = setInterval(() => move(1), PACE); draw(); };
  const stop = () => { clearInterval(timer); timer = null; draw(); };
  const move = (by) => {
    const outputs = outputsAlong(SIDE, settings[which.value]) ** 2;
    at = (at + by + outputs) % outputs;
    draw();
  };

  function draw() {
    const window = settings[which.value], { kernel, stride, padding, dilation } = window, side = outputsAlong(SIDE, window);
    figure.classList.toggle("pg-too-wide", padding > WIDEST);
    if (padding > WIDEST) {
      clearInterval(timer);
      timer = null;
      said.textContent = words(
        `空洞率 ${dilation} 画不下：这个卷积核要隔 ${dilation} 格取一个数，一共跨 ${dilation * (kernel - 1) + 1} 格。`,
        `Dilation ${dilation} is too wide to draw: this kernel takes one cell in ${dilation} and spans ${dilation * (kernel - 1) + 1}.`);
      return;
    }
    at = Math.min(at, side * side - 1);
    const [row, column] = [Math.floor(at / side), at % side];
    const rows = placesUnder(row, window), columns = placesUnder(column, window);
    const whole = SIDE + 2 * padding, height = whole * CELL, outputAt = whole * CELL + GAP;
    picture.replaceChildren();
    picture.setAttribute("viewBox", `-1 -1 ${outputAt + side * CELL + 2} ${height + 2}`);
    picture.setAttribute("width", outputAt + side * CELL + 2);
    for (let y = -padding; y < SIDE + padding; y += 1) {
      for (let x = -padding; x < SIDE + padding; x += 1) {
        const inside = y >= 0 && x >= 0 && y < SIDE && x < SIDE;
        const read = rows.includes(y) && columns.includes(x);
        square((x + padding) * CELL, (y + padding) * CELL, [inside ? "pg-in" : "pg-pad", read ? "pg-read" : ""]);
      }
    }
    const top = (height - side * CELL) / 2;
    for (let y = 0; y < side; y += 1) {
      for (let x = 0; x < side; x += 1) {
        square(outputAt + x * CELL, top + y * CELL, ["pg-in", y === row && x === column ? "pg-made" : y * side + x < at ? "pg-done" : ""]);
      }
    }
    arrow(whole * CELL + GAP / 2, height / 2);
    const [cells, others] = [rows, columns].map((places) => places.join(", ").replaceAll("-", "−"));
    const beyond = [...rows, ...columns].some((place) => place < 0 || place >= SIDE);
    said.textContent = words(
      `输出的 (${row}, ${column}) 读输入的行 ${cells}、列 ${others}${beyond ? "；落在外面的是填充的 0" : ""}。`,
      `output (${row}, ${column}) reads rows ${cells}, columns ${others} of the input${beyond ? "; what lies outside is padding, zero" : ""}.`);
    picture.setAttribute("aria-label", said.textContent);
    said.setAttribute("aria-live", timer ? "off" : "polite");
    play.textContent = timer ? words("❚❚ 停", "❚❚ pause") : words("▶ 播放", "▶ play");
    const numbers = `kernel_size=${kernel}, stride=${stride}, padding=${padding}, dilation=${dilation}`;
    figure.dataset.settings = numbers;
  }

  function square(x, y, classes) {
    picture.append(drawn("rect", { x, y, width: CELL - 1, height: CELL - 1, class: classes.filter(Boolean).join(" ") }));
  }

  function arrow(x, y) {
    const text = drawn("text", { x, y, "text-anchor": "middle", "dominant-baseline": "middle", class: "pg-arrow" });
    text.textContent = "→";
    picture.append(text);
  }

  return {
    figure,
    show(config) {
      settings = convolutions(config);
      const chosen = settings[which.value] ? which.value : "conv2";
      which.replaceChildren(...Object.entries(settings).map(([name, { kernel, stride, padding, dilation }]) => element("option", {
        value: name, textContent: `${name}: kernel ${kernel}×${kernel}, stride ${stride}, padding ${padding}, dilation ${dilation}`,
      })));
      which.value = chosen;
      draw();
    },
  };
}

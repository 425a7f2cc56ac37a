// One line's maps on the playground: its source, its shape, a canvas, and marks over single values.
import { drawn, element } from "../page/element.js";
import { cornerOf, fit, indexAt, layoutOf, number, paint, scaleOf } from "../page/maps.js";
import { words } from "../page/words.js";

// `on`: what happens to the canvas, {point, press, key, focus}, each with this figure and an index or an event; `near`:
// an IntersectionObserver that hears when the figure comes near.
export function figure(step, source, on, near) {
  const canvas = element("canvas", { tabIndex: 0, role: "application" });
  const marks = drawn("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
  const shape = element("span", { className: "pg-shape" }), changed = element("p", { className: "pg-changed" });
  const head = element("figcaption", {}, element("code", { textContent: source.trim() }));
  const whole = element("figure", { "data-step": step }, head, shape, element("div", { className: "pg-canvas" }, canvas, marks), changed);
  const it = { step, element: whole, head, canvas, tensor: null, most: 0, layout: null, isNear: false };
  let painted = null, size = "";

  const under = ({ clientX, clientY }) => indexAt(canvas, { shape: it.tensor.shape, layout: it.layout }, clientX, clientY);
  canvas.onpointermove = (event) => on.point(it, under(event));
  canvas.onclick = (event) => on.press(it, under(event));
  canvas.onkeydown = (event) => on.key(it, event);
  canvas.onfocus = () => on.focus(it);
  near.observe(whole);

  // `tensor` is shown, in colours that suit `others` as well.
  it.show = (tensor, most, others = []) => {
    const layout = layoutOf(tensor.shape, most);
    Object.assign(it, { tensor, most, layout, others });
    if (`${layout.shown} ${tensor.shape}` !== size) {
      size = `${layout.shown} ${tensor.shape}`;
      fit(canvas, layout);
      painted = null;
    }
    marks.setAttribute("viewBox", `0 0 ${canvas.width} ${canvas.height}`);
    const sides = `(${tensor.shape.join(", ")})`;
    canvas.setAttribute("aria-label", words(
      `${source.trim()} 的特征图，形状 ${sides}；方向键看数值，Page Up、Page Down 换通道，回车钉住`,
      `the maps of ${source.trim()}, shape ${sides}; arrow keys read values, Page Up and Page Down change the channel, Enter pins one`));
    it.paint();
  };

  // Only where it can be seen soon, and not twice the same.
  it.paint = () => {
    if (!it.isNear || !it.tensor || painted === it.tensor) return;
    const scale = Math.max(...[it.tensor, ...it.others].map(scaleOf));
    paint(canvas, it.tensor, it.most, scale);
    painted = it.tensor;
    shape.textContent = `(${it.tensor.shape.join(", ")}) · ${words("颜色到", "colours to")} ±${number(scale)}`;
  };

  it.says = (text) => { changed.textContent = text; };

  // Frames around values: `rows` × `columns` of each of `channels` that is on the canvas.
  it.mark = ({ channels, rows, columns }, name) => {
    const within = (places, length) => places.filter((place) => place >= 0 && place < length);
    const [, , tall, wide] = it.tensor.shape;
    for (const channel of channels.filter((one) => one < it.layout.shown)) {
      for (const row of within(rows, tall)) {
        for (const column of within(columns, wide)) {
          const [x, y] = cornerOf(it.layout, [channel, row, column]), side = it.layout.times;
          marks.append(drawn("rect", { x, y, width: side, height: side, class: name }));
        }
      }
    }
  };
  it.clear = () => marks.replaceChildren();
  return it;
}

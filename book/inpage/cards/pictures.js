// A card's picture of maps that answers: which value is under a point, a mark on a value, and other maps in its place.
import { drawOn } from "../page/draw-on.js";
import { element } from "../page/element.js";
import { frame } from "../page/frames.js";
import { channelImage, number } from "../page/maps.js";

const EDGE = "rgb(128 128 128 / 25%)";

// Puts the image of linewalk's into a holder, over which marks and other maps lie.
export function livePicture(image, step, label) {
  const grid = JSON.parse(image.dataset.grid), { columns, maps, tile: [wide, tall], gap } = grid;
  const whole = { width: Number(image.getAttribute("width")), height: Number(image.getAttribute("height")) };
  const holder = element("div", { className: "living-maps", tabIndex: 0, role: "application", "aria-label": label });
  const canvas = element("canvas", { ...whole, hidden: true, "aria-hidden": "true" });
  image.replaceWith(holder);
  for (const name of ["role", "tabindex", "aria-label", "title"]) image.removeAttribute(name);
  holder.append(image, canvas);
  const mark = frame(holder, "pixel");
  const changed = element("p", { className: "living-changed" });
  holder.after(changed);
  const legend = legendOf(holder.closest("figure"));
  const corner = (channel) => [(channel % columns) * (wide + gap) + 1, Math.floor(channel / columns) * (tall + gap) + 1];
  let shape = null, latest = null; // what is drawn in the image's place

  // What enlarges pictures (pictures/pictures.js) finds all channels as they are now.
  const printed = { all: image.dataset.all, allGrid: image.dataset.allGrid };
  holder.closest("figure").addEventListener("click", ({ target }) => {
    if (target.closest(".picture-open") && printed.all) Object.assign(image.dataset, latest ? allChannels(latest, grid) : printed);
  }, { capture: true });

  return {
    holder, step,
    // Of these maps answers are given from now on; `drawn`: whether they are others than those that the build has drawn.
    show(tensor, scale, drawn) {
      shape = tensor.shape;
      latest = drawn ? { tensor, scale } : null;
      canvas.hidden = !drawn;
      image.style.visibility = drawn ? "hidden" : "";
      drawn ? legend.show(tensor, scale) : legend.reset();
      if (drawn) paintTiles(canvas, tensor, scale, grid);
    },
    says(text) { changed.textContent = text; },
    // [channel, y, x] under a point of the screen, or null beside the maps.
    at(clientX, clientY) {
      const box = holder.getBoundingClientRect();
      const across = ((clientX - box.left) / box.width) * whole.width, down = ((clientY - box.top) / box.height) * whole.height;
      const [column, row] = [Math.floor(across / (wide + gap)), Math.floor(down / (tall + gap))];
      const channel = row * columns + column, inner = [across - column * (wide + gap) - 1, down - row * (tall + gap) - 1];
      if (column < 0 || row < 0 || column >= columns || channel >= maps || inner[0] > wide || inner[1] > tall) return null;
      const place = (at, length, values) => Math.max(0, Math.min(values - 1, Math.floor((at / (length - 2)) * values)));
      return [channel, place(inner[1], tall, shape[2]), place(inner[0], wide, shape[3])];
    },
    mark(index) {
      if (!index || index[0] >= maps) return mark.show(null);
      const [left, top] = corner(index[0]), width = (wide - 2) / shape[3], height = (tall - 2) / shape[2];
      mark.show({ left: left + index[2] * width, top: top + index[1] * height, width, height }, whole);
    },
  };
}

// The first channels as linewalk lays them out, each in a frame.
function paintTiles(canvas, tensor, scale, { columns, maps, tile: [wide, tall], gap }) {
  const [, , height, width] = tensor.shape;
  drawOn(canvas, (context) => {
    const one = new OffscreenCanvas(width, height), sheet = one.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = width > wide;
    context.strokeStyle = EDGE;
    for (let channel = 0; channel < maps; channel += 1) {
      const left = (channel % columns) * (wide + gap) + 1, top = Math.floor(channel / columns) * (tall + gap) + 1;
      sheet.putImageData(channelImage(tensor, channel, scale), 0, 0);
      context.drawImage(one, left, top, wide - 2, tall - 2);
      context.strokeRect(left - 0.5, top - 0.5, wide - 1, tall - 1);
    }
  });
}

// Attributes of an image, as linewalk writes them: a picture of all channels and how they lie.
function allChannels({ tensor, scale }, { columns, total, tile: [wide, tall], gap }) {
  const grid = { columns, maps: total, total, tile: [wide, tall], gap };
  const canvas = element("canvas", { width: columns * (wide + gap) - gap, height: Math.ceil(total / columns) * (tall + gap) - gap });
  paintTiles(canvas, tensor, scale, grid);
  return { all: canvas.toDataURL(), allGrid: JSON.stringify(grid) };
}

// The numbers below a picture: the scale's ends, smallest, largest and the share of negative ones.
function legendOf(figure) {
  const spans = [...figure.querySelectorAll(".lw-legend > span")].slice(0, 5), printed = spans.map((span) => span.textContent);
  return {
    show(tensor, scale) {
      const { low, high, negative } = spread(tensor);
      const texts = [`−${number(scale)}`, number(scale), `min ${number(low)}`, `max ${number(high)}`, `${percent(negative)} < 0`];
      spans.forEach((span, at) => { span.textContent = texts[at]; });
    },
    reset() {
      spans.forEach((span, at) => { span.textContent = printed[at]; });
    },
  };
}

function spread({ data }) {
  let low = Infinity, high = -Infinity, negative = 0;
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
    if (value < 0) negative += 1;
  }
  return { low, high, negative: negative / data.length };
}

// Never rounded to a false "none" or "all".
function percent(share) {
  if (share > 0 && share < 0.01) return "<1%";
  return share > 0.99 && share < 1 ? ">99%" : `${Math.round(100 * share)}%`;
}

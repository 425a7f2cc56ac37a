// A graph or a picture of maps, small in its card, opens whole and large: by its button, by a click or by a touch.

(() => {
const edition = document.querySelector(".language-switch [aria-current]")?.dataset.edition ?? "both";
const words = (zh, en) => ({ zh, en, both: `${zh} / ${en}` })[edition];
const PICTURES = ".lw-graph:not(.picture-content), .lw-maps:has(img)";
const DRAG = 4; // px that a hand may tremble within a click
const PAN = 80; // px an arrow key
const LEGIBLE = 40; // px of a map that has room for its number
const SMALLEST = 0.7, LARGEST = 4; // times a graph's own size, which is that of text

const dialog = makeDialog();
addEventListener("click", (event) => {
  if (event.defaultPrevented) return; // somebody else has answered: maps that tell their numbers
  const picture = event.target.closest?.(PICTURES);
  const asked = event.target.closest?.(".picture-open, .lw-maps img, .lw-graph");
  if (picture && asked && !lineOf(event.target)) open(picture);
});
for (const picture of document.querySelectorAll(PICTURES)) offer(picture);
// A cell that the reader has run brings new cards.
new MutationObserver(() => {
  for (const picture of document.querySelectorAll(`:is(${PICTURES}):not(:has(.picture-open))`)) offer(picture);
}).observe(document.querySelector("article") ?? document.body, { childList: true, subtree: true });

// The button lies over the picture's corner, so that the page keeps its measures.
function offer(picture) {
  const name = picture.matches(".lw-graph")
    ? words("放大计算图", "Enlarge the graph")
    : words("放大特征图", "Enlarge the maps");
  const button = element("button", { type: "button", className: "picture-open", textContent: "⤢", title: name });
  button.setAttribute("aria-label", `${name}${edition === "zh" ? "：" : ": "}${titleOf(picture)}`);
  button.setAttribute("aria-haspopup", "dialog");
  const image = picture.querySelector(":scope > img");
  if (!image) return picture.append(button);
  const corner = element("div", { className: "picture-corner" });
  corner.style.maxWidth = `${image.getAttribute("width")}px`;
  corner.append(button);
  image.before(corner);
}

function open(picture) {
  const content = picture.matches(".lw-graph") ? wholeGraph(picture) : wholeMaps(picture);
  picture.querySelector(".picture-open").focus({ preventScroll: true }); // where the focus returns to
  dialog.show(titleOf(picture), content);
}

function titleOf(picture) {
  const line = picture.closest(".lw-card")?.querySelector(".lw-head > code")?.textContent ?? "";
  const part = picture.querySelector(":scope > p")?.textContent.trim();
  return part ? `${line} · ${part}` : line;
}

// The line in the code column that a node of a graph leads to.
function lineOf(target) {
  const node = target.closest?.(".lw-graph[data-subject] .lw-node[data-source]");
  if (!node) return null;
  const listing = `.code-listing[data-source=${CSS.escape(node.closest(".lw-graph").dataset.subject)}]`;
  return document.querySelector(`${listing} [data-first-line="${node.dataset.source}"]`);
}

function wholeGraph(graph) {
  const svg = graph.querySelector("svg").cloneNode(true);
  renameIds(svg);
  const content = element("div", { className: "lw-graph picture-content" });
  content.dataset.subject = graph.dataset.subject;
  content.append(svg);
  for (const node of svg.querySelectorAll(".lw-node")) {
    node.classList.remove("touched");
    node.removeAttribute("tabindex");
    if (!lineOf(node)) continue;
    node.tabIndex = 0;
    node.setAttribute("role", "link");
    svg.setAttribute("role", "group"); // an image has no links in it
  }
  const [width, height] = [svg.width.baseVal.value, svg.height.baseVal.value];
  return {
    content,
    name: svg.getAttribute("aria-label"),
    channels: "",
    fitting: (stage) => Math.min(stage.width / width, stage.height / height, LARGEST),
    first: (fitting) => (fitting > SMALLEST ? fitting : 1),
    next: (scale, by) => Math.min(LARGEST, Math.max(0.25, scale * (by > 0 ? 1.25 : 0.8))),
    draw(scale) {
      svg.style.width = `${width * scale}px`;
      svg.style.height = `${height * scale}px`;
    },
    lit: () => svg.querySelector(".lw-now"),
  };
}

// In one document, what a picture refers to must be its own.
function renameIds(svg) {
  for (const owner of svg.querySelectorAll("[id]")) {
    const id = owner.id;
    owner.id = `${id}-whole`;
    for (const user of svg.querySelectorAll(`[marker-end="url(#${id})"]`)) {
      user.setAttribute("marker-end", `url(#${owner.id})`);
    }
  }
}

// A value is a whole number of the screen's own pixels; every map has its channel's number.
function wholeMaps(figure) {
  const small = figure.querySelector("img");
  const all = small.dataset.all;
  const { columns, maps, total, tile, gap } = JSON.parse((all ? small.dataset.allGrid : small.dataset.grid) ?? "{}");
  const channels = maps ? words(`通道 0–${maps - 1}，共 ${total} 个`, `channels 0–${maps - 1} of ${total}`) : "";
  const name = all ? channels : small.alt;
  const image = element("img", { src: all ?? small.src, alt: name, draggable: false });
  const [width, height] = maps
    ? [columns * (tile[0] + gap) - gap, Math.ceil(maps / columns) * (tile[1] + gap) - gap]
    : [Number(small.getAttribute("width")), Number(small.getAttribute("height"))];
  const content = element("div", { className: "picture-content picture-maps" });
  const numbers = Array.from({ length: maps ?? 0 }, (_, channel) => element("span", { textContent: channel }));
  content.append(image, ...numbers);
  const ratio = () => devicePixelRatio || 1;
  return {
    content,
    name,
    channels,
    fitting(stage) { // a picture of all channels is long, and is read from above
      const times = Math.min(stage.width / width, all ? Infinity : stage.height / height);
      return Math.max(1, Math.floor(times * ratio()));
    },
    first: (fitting) => Math.max(fitting, Math.ceil(Math.max(2, LEGIBLE / (tile?.[0] ?? LEGIBLE)) * ratio())),
    next: (pixels, by) => Math.min(Math.ceil(32 * ratio()), Math.max(1, pixels + by)),
    draw(pixels) {
      const each = pixels / ratio();
      image.style.width = `${width * each}px`;
      image.style.height = `${height * each}px`;
      numbers.forEach((number, channel) => {
        number.style.left = `${(channel % columns) * (tile[0] + gap) * each}px`;
        number.style.top = `${Math.floor(channel / columns) * (tile[1] + gap) * each}px`;
      });
    },
    lit: () => null,
  };
}

function makeDialog() {
  const frame = element("dialog", { className: "picture-dialog" });
  const tools = element("div", { className: "picture-tools" });
  const title = element("code", {}), count = element("span", {});
  const stage = element("div", { className: "picture-stage", tabIndex: 0 });
  stage.setAttribute("role", "group");
  const button = (sign, name, act) => {
    const made = element("button", { type: "button", textContent: sign, title: name, onclick: act });
    made.setAttribute("aria-label", name);
    return made;
  };
  const buttons = element("div", {});
  buttons.append(
    button("−", words("缩小", "Smaller"), () => zoom(-1)),
    button("+", words("放大", "Larger"), () => zoom(1)),
    button("⤡", words("看到整张", "Fit"), () => fit()),
    button("✕", words("关上", "Close"), () => frame.close()),
  );
  tools.append(title, count, buttons);
  frame.append(tools, stage);
  let shown, scale;

  function show(heading, picture) {
    if (!frame.isConnected) document.body.append(frame);
    shown = picture;
    title.textContent = heading;
    count.textContent = picture.channels;
    frame.setAttribute("aria-label", heading);
    stage.setAttribute("aria-label", picture.name);
    stage.replaceChildren(picture.content);
    frame.showModal();
    stage.focus({ preventScroll: true });
    set(picture.first(picture.fitting(room())));
    stage.scrollTo(0, 0);
    picture.lit()?.scrollIntoView({ block: "center", inline: "center" });
  }

  function room() {
    const padding = 2 * parseFloat(getComputedStyle(stage).padding);
    return { width: stage.clientWidth - padding, height: stage.clientHeight - padding };
  }

  // What stands in the middle stays there.
  function set(wanted) {
    const middle = {
      x: (stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth,
      y: (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight,
    };
    scale = wanted;
    shown.draw(scale);
    stage.scrollLeft = middle.x * stage.scrollWidth - stage.clientWidth / 2;
    stage.scrollTop = middle.y * stage.scrollHeight - stage.clientHeight / 2;
  }
  const zoom = (by) => set(shown.next(scale, by));
  const fit = () => set(shown.fitting(room()));

  frame.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.stopPropagation(); // Sphinx would take the key, and the dialog stay open
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const pan = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const act = { "+": () => zoom(1), "=": () => zoom(1), "-": () => zoom(-1), 0: fit }[event.key];
    const node = event.key === "Enter" && event.target.closest(".lw-node");
    if (pan) stage.scrollBy(pan[0] * PAN, pan[1] * PAN);
    else if (act) act();
    else if (node) node.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    else return;
    event.preventDefault();
  });
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1 : -1);
  }, { passive: false });
  letDrag(stage);

  // Closed first: what lies below a modal dialog cannot take the focus.
  stage.addEventListener("click", (event) => {
    if (lineOf(event.target)) frame.close();
  });
  frame.addEventListener("click", (event) => {
    if (event.target === frame) frame.close();
  });
  frame.addEventListener("close", () => {
    for (const partner of document.querySelectorAll(".touched")) partner.classList.remove("touched");
    stage.replaceChildren();
  });
  return { show };
}

// A finger scrolls by itself; a mouse takes hold of the picture.
function letDrag(stage) {
  let from = null, dragged = false;
  stage.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    const { clientX: x, clientY: y } = event;
    from = { x, y, left: stage.scrollLeft, top: stage.scrollTop };
  });
  stage.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [right, down] = [event.clientX - from.x, event.clientY - from.y];
    dragged ||= Math.hypot(right, down) > DRAG;
    if (!dragged) return;
    stage.setPointerCapture(event.pointerId);
    stage.scrollTo(from.left - right, from.top - down);
  });
  for (const type of ["pointerup", "pointercancel"]) stage.addEventListener(type, () => { from = null; });
  stage.addEventListener("click", (event) => {
    if (dragged) event.stopImmediatePropagation();
  }, { capture: true });
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
})();

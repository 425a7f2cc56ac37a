// The code column: lights the line that is being read, steps from line to line, and ties lines to graph nodes.

const SCROLLING_KEYS = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "]);
const SECONDS_A_LINE = 4;
const GLIDE = 1200; // ms within which a scroll is still the page's own
const column = document.querySelector(".code-column");
if (column) start(column);

function start(column) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const stops = [...column.querySelectorAll('a[href^="#"]')]
    .map((link) => ({ link, section: document.getElementById(link.getAttribute("href").slice(1)) }))
    .filter((stop) => stop.section)
    .sort((a, b) => (isBefore(a.section, b.section) ? -1 : 1));
  const sections = [...document.querySelectorAll("article section[id]")];
  // Where all lines are explained elsewhere, there is none to step to.
  for (const button of column.querySelectorAll('[data-code]:not([data-code="keys"])')) button.hidden = !stops.length;
  const bar = makeBar(column);
  let current = null;
  let reading = null; // the section that is being read, which need not be a line's
  let chosen = null; // the stop that was asked for, which stays lit until the reader scrolls by hand
  let timer = 0;
  let gliding = 0; // until when a scroll is our own
  let focused = null; // the heading that has the focus because its line was asked for

  function light(stop, section) {
    if (section !== reading) document.dispatchEvent(new CustomEvent("section-read", { detail: section.id }));
    reading = section;
    bar.show(stop, section);
    if (stop === current) return;
    current?.link.removeAttribute("aria-current");
    current = stop;
    if (!stop) return;
    stop.link.setAttribute("aria-current", "true");
    keepInView(stop.link, column.closest(".bd-sidebar-secondary") ?? column);
  }

  // The last section that has begun above the upper third of the window is being read; its line is lit, if it has one.
  function follow() {
    if (chosen) return light(chosen, chosen.section);
    const section = sections.findLast((section) => section.getBoundingClientRect().top < innerHeight / 3) ?? sections[0];
    light(stops.findLast((stop) => stop.section.contains(section)) ?? null, section); // a method's line before its class's
  }

  function go(stop, takesFocus = true) {
    if (!stop) return false;
    chosen = stop;
    light(stop, stop.section);
    document.dispatchEvent(new CustomEvent("line-chosen", { detail: stop.section }));
    if (takesFocus) {
      focused = stop.section.querySelector("h1, h2, h3, h4");
      focused.tabIndex = -1;
      focused.focus({ preventScroll: true });
    }
    gliding = performance.now() + GLIDE;
    stop.section.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth", block: "start" });
    history.replaceState(null, "", stop.link.hash);
    return true;
  }

  // From a section that belongs to no line, the next line is the next in the text.
  function step(by) {
    if (current) return go(stops[stops.indexOf(current) + by]);
    const after = stops.findIndex((stop) => isBefore(reading, stop.section));
    return go(by > 0 ? stops[after] : stops.at(after < 0 ? -1 : after - 1));
  }

  function pause() {
    clearInterval(timer);
    timer = 0;
    sayPlaying(false);
  }

  function play() {
    if (timer) return pause();
    const lines = forwardStops(stops);
    if (!lines.includes(current) || current === lines.at(-1)) go(lines[0], false);
    timer = setInterval(() => {
      if (!lines.includes(current) || !go(lines[lines.indexOf(current) + 1], false)) pause();
    }, SECONDS_A_LINE * 1000);
    sayPlaying(true);
  }

  function sayPlaying(playing) {
    for (const button of document.querySelectorAll('[data-code="play"]')) {
      button.textContent = playing ? "❚❚" : "▶";
      button.setAttribute("aria-pressed", String(playing));
      button.setAttribute("aria-label", playing ? button.dataset.pause : button.dataset.play);
    }
  }

  const keys = document.querySelector("dialog.code-keys");
  const actions = { previous: () => step(-1), next: () => step(1), play, keys: () => keys.showModal() };
  document.addEventListener("click", (event) => {
    const action = event.target.closest("[data-code]")?.dataset.code;
    if (action) actions[action]?.();
    if (event.target === keys) keys.close();
    if (column.contains(event.target) && event.target.closest("a")) closePanel(column);
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
    if (SCROLLING_KEYS.has(event.key)) chosen = null;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "?") keys.showModal();
    else if (event.key === "Escape") focused?.blur();
  });

  // Whatever the reader does ends the playing, and the page is the reader's.
  for (const type of ["wheel", "touchstart", "mousedown", "keydown"]) {
    addEventListener(type, (event) => {
      const onButton = event.target.closest?.('[data-code="play"]');
      const pressesIt = type !== "keydown" || event.key === " " || event.key === "Enter";
      if (!(onButton && pressesIt)) pause();
      if (type !== "keydown" && !column.contains(event.target)) chosen = null;
    }, { passive: true, capture: true });
  }
  let waiting = false;
  addEventListener("scroll", () => {
    if (timer && performance.now() > gliding) pause();
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      follow();
    });
  }, { passive: true });
  function choose() {
    chosen = stops.find(({ link }) => link.hash === location.hash) ?? null;
    follow();
  }

  addEventListener("hashchange", choose);
  addEventListener("load", choose);
  choose();
  tieGraphs(column);
  letWidthBeChosen(column);
}

function isBefore(one, other) {
  return Boolean(one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);
}

// The lines of forward as they stand in the code, which need not be the order in which the text explains them.
function forwardStops(stops) {
  const start = stops.find(({ link }) => link.textContent.trim().startsWith("def forward"));
  if (!start) return stops;
  const line = ({ link }) => Number(link.dataset.firstLine);
  return stops
    .filter((stop) => stop.link.parentElement === start.link.parentElement && line(stop) >= line(start))
    .sort((one, other) => line(one) - line(other));
}

// On a phone the column lies over the page until a line of it is tapped.
function closePanel(column) {
  column.closest("dialog")?.close();
  const older = document.querySelector("#pst-secondary-sidebar-checkbox, #__secondary");
  if (older?.checked) older.click();
}

// Scrolls the column only, never the page.
function keepInView(link, scroller) {
  const { top, bottom } = link.getBoundingClientRect();
  const frame = scroller.getBoundingClientRect();
  if (top < frame.top + 60 || bottom > frame.bottom - 60) {
    scroller.scrollTop += top - frame.top - frame.height / 3;
  }
}

// On a small screen: the line being read, its result's shape, and the way to its neighbours.
function makeBar(column) {
  const bar = document.createElement("nav");
  bar.className = "code-bar";
  bar.setAttribute("aria-label", column.dataset.bar);
  bar.append(column.querySelector('[data-code="previous"]').cloneNode(true));
  const line = document.createElement("a");
  bar.append(line, column.querySelector('[data-code="next"]').cloneNode(true));
  document.body.append(bar);
  return {
    show(stop, section) {
      line.href = `#${section.id}`;
      const title = section.querySelector("h1, h2, h3, h4")?.cloneNode(true);
      title?.querySelector(".headerlink")?.remove();
      line.replaceChildren(...(stop ? stop.link.querySelector("code") : title).cloneNode(true).childNodes);
      const toGuess = stop?.section.matches("[data-predict] :has(> .predict:not([data-open]))");
      const shape = toGuess ? "" : stop?.section.querySelector(".lw-card")?.dataset.shape ?? "";
      line.append(Object.assign(document.createElement("small"), { textContent: shape }));
    },
  };
}

// A node of a graph and the line that made it point at each other. A graph names its class, a node its line in the file.
function tieGraphs(column) {
  const key = (element) => {
    const node = element.closest?.(".lw-graph[data-subject] .lw-node[data-source]");
    if (node) return `${node.closest(".lw-graph").dataset.subject} ${node.dataset.source}`;
    const link = element.closest?.(".code-listing [data-first-line]");
    return link && `${link.parentElement.dataset.source} ${link.dataset.firstLine}`;
  };
  const partners = new Map();
  const add = (name, element) => {
    if (partners.has(name)) partners.get(name).push(element);
    else partners.set(name, [element]);
  };
  const graphs = document.querySelectorAll(".lw-graph[data-subject]");
  for (const graph of graphs) {
    for (const node of graph.querySelectorAll(".lw-node[data-source]")) {
      add(`${graph.dataset.subject} ${node.dataset.source}`, node);
    }
  }
  for (const link of document.querySelectorAll(".code-listing [data-first-line]")) add(key(link), link);
  function touch(element, on) {
    for (const partner of partners.get(key(element)) ?? []) {
      partner.classList.toggle("touched", on);
      if (partner.matches(".lw-node")) bringIntoView(partner, on);
    }
  }
  for (const [type, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
    document.addEventListener(type, (event) => touch(event.target, on));
  }
  const follow = (node) => partners.get(key(node))?.find((element) => element.matches("a"))?.click();
  document.addEventListener("click", (event) => {
    const node = event.target.closest?.(".lw-node");
    if (node) follow(node);
  });
  // A page has thousands of nodes: those of a graph become links when it comes near.
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      walkNodesByKeys(target, follow);
    }
  }, { rootMargin: "100%" });
  graphs.forEach((graph) => near.observe(graph));
}

// A card shows a part of its graph: where the reader looks, the part with the node.
function bringIntoView(node, on) {
  const graph = node.closest(".lw-graph");
  const { top, bottom } = graph.getBoundingClientRect();
  if (bottom < 0 || top > innerHeight) return;
  if (!on) {
    if ("own" in graph.dataset) graph.style.setProperty("--f", graph.dataset.own);
    return;
  }
  const svg = node.ownerSVGElement;
  const [box, whole] = [node.getBoundingClientRect(), svg.getBoundingClientRect()];
  graph.dataset.own ??= getComputedStyle(graph).getPropertyValue("--f");
  graph.style.setProperty("--f", (box.top + box.height / 2 - whole.top) / whole.height);
}

// One stop of the Tab key a graph; within it, arrows go from node to node and Enter to the node's line.
function walkNodesByKeys(graph, follow) {
  const nodes = [...graph.querySelectorAll(".lw-node[data-source]")];
  if (!nodes.length) return;
  graph.querySelector("svg").setAttribute("role", "group"); // an image has no links in it
  nodes.forEach((node) => { node.tabIndex = -1; node.setAttribute("role", "link"); });
  const first = nodes.find((node) => node.matches(".lw-now")) ?? nodes[0];
  first.tabIndex = 0;
  graph.addEventListener("keydown", (event) => {
    const at = nodes.indexOf(event.target.closest(".lw-node"));
    if (at < 0) return;
    if (event.key === "Enter") follow(nodes[at]);
    else if (event.key === "ArrowDown" || event.key === "ArrowRight") nodes[at + 1]?.focus();
    else if (event.key === "ArrowUp" || event.key === "ArrowLeft") nodes[at - 1]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

// The column is as wide as the reader's hand has made it; the arrow keys do the same.
function letWidthBeChosen(column) {
  const sidebar = column.closest(".bd-sidebar-secondary");
  const handle = column.querySelector(".code-handle");
  if (!sidebar || !handle) return;
  handle.setAttribute("aria-valuenow", sidebar.offsetWidth);
  const root = document.documentElement;
  const least = 220, most = () => innerWidth * 0.6;
  const set = (width) => {
    const kept = Math.round(Math.min(most(), Math.max(least, width)));
    root.style.setProperty("--code-width", `${kept}px`);
    handle.setAttribute("aria-valuenow", kept);
    return kept;
  };
  const keep = (width) => {
    try { localStorage.setItem("code-width", set(width)); } catch { set(width); } // a browser may forbid storage
  };
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const whole = sidebar.offsetWidth + event.clientX;
    const move = (event) => set(whole - event.clientX);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", (event) => {
      handle.removeEventListener("pointermove", move);
      keep(whole - event.clientX);
    }, { once: true });
  });
  handle.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: 24, ArrowRight: -24 }[event.key];
    if (!by) return;
    event.preventDefault();
    keep(sidebar.offsetWidth + by);
  });
  handle.addEventListener("dblclick", () => {
    root.style.removeProperty("--code-width");
    try { localStorage.removeItem("code-width"); } catch { /* nothing was kept */ }
  });
}

// The code column: lights the line that is being read, steps from line to line, and ties lines to graph nodes.

const SCROLLING_KEYS = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "]);
const column = document.querySelector(".code-column");
if (column) start(column);

function start(column) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const stops = [...column.querySelectorAll('a[href^="#"]')]
    .map((link) => ({ link, section: document.getElementById(decodeURIComponent(link.hash.slice(1))) }))
    .filter((stop) => stop.section)
    .sort((a, b) => (a.section.compareDocumentPosition(b.section) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
  const bar = makeBar(column);
  let current = null;
  let chosen = null; // the stop that was asked for, which stays lit until the reader scrolls by hand
  let timer = 0;
  let focused = null; // the heading that has the focus because its line was asked for

  function light(stop) {
    if (stop === current) return;
    current?.link.removeAttribute("aria-current");
    current = stop;
    bar.show(stop);
    if (!stop) return;
    stop.link.setAttribute("aria-current", "true");
    keepInView(stop.link, column.closest(".bd-sidebar-secondary") ?? column);
  }

  // The last section that has begun above the upper third of the window is the one being read.
  function follow() {
    if (chosen) return light(chosen);
    const begun = stops.filter(({ section }) => section.getBoundingClientRect().top < innerHeight / 3);
    light(begun.at(-1) ?? stops[0]);
  }

  function go(stop) {
    if (!stop) return false;
    chosen = stop;
    light(stop);
    focused = stop.section.querySelector("h1, h2, h3, h4");
    focused.tabIndex = -1;
    focused.focus({ preventScroll: true });
    stop.section.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth", block: "start" });
    history.replaceState(null, "", stop.link.hash);
    return true;
  }

  const step = (by) => go(stops[stops.indexOf(current) + by]);

  function pause() {
    clearInterval(timer);
    timer = 0;
    const button = column.querySelector('[data-code="play"]');
    button.textContent = "▶";
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", button.dataset.play);
  }

  function play() {
    if (timer) return pause();
    const lines = forwardStops(stops);
    if (!lines.includes(current) || current === lines.at(-1)) go(lines[0]);
    timer = setInterval(() => {
      if (!lines.includes(current) || !go(lines[lines.indexOf(current) + 1])) pause();
    }, 4000);
    const button = column.querySelector('[data-code="play"]');
    button.textContent = "❚❚";
    button.setAttribute("aria-pressed", "true");
    button.setAttribute("aria-label", button.dataset.pause);
  }

  const actions = { previous: () => step(-1), next: () => step(1), play };
  document.addEventListener("click", (event) => {
    const action = event.target.closest("[data-code]")?.dataset.code;
    if (action) actions[action]?.();
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (SCROLLING_KEYS.has(event.key)) chosen = null;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "Escape") {
      pause();
      focused?.blur();
    }
  });

  let waiting = false;
  addEventListener("scroll", () => {
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

  for (const type of ["wheel", "touchmove", "mousedown"]) {
    addEventListener(type, (event) => {
      if (!column.contains(event.target)) chosen = null;
    }, { passive: true });
  }
  addEventListener("hashchange", choose);
  addEventListener("load", choose);
  choose();
  tieGraphs(column);
}

function forwardStops(stops) {
  const start = stops.findIndex(({ link }) => link.textContent.trim().startsWith("def forward"));
  return start < 0 ? stops : stops.slice(start);
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
  const bar = document.createElement("div");
  bar.className = "code-bar";
  bar.append(column.querySelector('[data-code="previous"]').cloneNode(true));
  const line = document.createElement("a");
  bar.append(line, column.querySelector('[data-code="next"]').cloneNode(true));
  document.body.append(bar);
  return {
    show(stop) {
      bar.hidden = !stop;
      if (!stop) return;
      line.href = stop.link.hash;
      const shape = stop.section.querySelector(".lw-card")?.dataset.shape ?? "";
      line.replaceChildren(...stop.link.querySelector("code").cloneNode(true).childNodes);
      const small = document.createElement("small");
      small.textContent = shape;
      line.append(small);
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
  for (const element of document.querySelectorAll(".lw-node[data-source], .code-listing [data-first-line]")) {
    const name = key(element);
    if (name) partners.set(name, [...(partners.get(name) ?? []), element]);
  }
  for (const type of ["pointerover", "pointerout"]) {
    document.addEventListener(type, (event) => {
      for (const element of partners.get(key(event.target)) ?? []) {
        element.classList.toggle("touched", type === "pointerover");
      }
    });
  }
  document.addEventListener("click", (event) => {
    const node = event.target.closest?.(".lw-node");
    if (node) partners.get(key(node))?.find((element) => element.matches("a"))?.click();
  });
}

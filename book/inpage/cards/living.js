// On a chapter's page: waits until a reader touches a card's maps, then fetches what makes them answer (living-cards.js).
// A card says with `data-again` that the page can compute what it shows.
import { isCommand } from "../page/pointing.js";
import { words } from "../page/words.js";

const base = document.currentScript.src;
const MAPS = ".lw-card[data-again] .lw-maps > img[data-grid]";
const KEYS = ["Enter", " ", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
let loading = null;

for (const image of document.querySelectorAll(MAPS)) offer(image);
// A cell that the reader has run brings new cards.
new MutationObserver(() => document.querySelectorAll(`${MAPS.replace("[data-grid]", "[data-grid]:not([tabindex])")}`).forEach(offer))
  .observe(document.querySelector("article") ?? document.body, { childList: true, subtree: true });

function offer(image) {
  const answer = words("按回车，读出每一个数", "press Enter to read every number");
  image.tabIndex = 0;
  image.setAttribute("role", "button");
  image.setAttribute("aria-label", `${image.alt}${words("；", "; ")}${answer}`);
  image.title = words("点一下，读出这里的数", "Touch it: what number is here?");
}

addEventListener("click", (event) => {
  const image = event.target.closest?.(MAPS);
  if (!image || event.button) return;
  event.preventDefault(); // what enlarges pictures leaves it alone
  touch(image, { clientX: event.clientX, clientY: event.clientY });
}, { capture: true });

addEventListener("keydown", (event) => {
  const image = event.target.closest?.(MAPS);
  if (!image || !KEYS.includes(event.key) || isCommand(event)) return;
  event.preventDefault();
  touch(image, { key: event.key });
}, { capture: true });

async function touch(image, how) {
  loading ??= load("living-cards.js").catch((error) => {
    loading = null;
    throw error;
  });
  image.setAttribute("aria-busy", "true");
  try {
    await loading;
    globalThis.livingCards.touch(image, how);
  } catch {
    image.title = words("没能载入：请检查网络，再试一次。", "It could not be loaded: check the network and try again.");
  } finally {
    image.removeAttribute("aria-busy");
  }
}

// The style sheet comes first, so that nothing is seen without it.
async function load(name) {
  await appended(Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("living-cards.css", base) }));
  await appended(Object.assign(document.createElement("script"), { src: new URL(name, base) }));
}

function appended(element) {
  return new Promise((resolve, reject) => {
    Object.assign(element, { onload: resolve, onerror: reject });
    document.head.append(element);
  });
}

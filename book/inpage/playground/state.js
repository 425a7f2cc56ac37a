// The settings of the page in its address, so that a link holds them: those that differ from the beginning.
import { DEFAULTS } from "../compute/arithmetic.js";

const BEGINNING = { ...DEFAULTS, weights: "auto", input: "photograph" };

export function stateOf(hash) {
  const state = { ...BEGINNING };
  if (isSection(hash)) return state;
  for (const [key, text] of new URLSearchParams(hash.replace(/^#/, ""))) state[key] = value(key, text);
  return state;
}

// Whether an address names a place on the page.
export const isSection = (hash) => hash.length > 1 && !hash.includes("=");

export function hashOf(state) {
  const changed = Object.entries(state).filter(([key, one]) => one !== undefined && `${one}` !== `${BEGINNING[key]}`);
  // A picture of the reader's own is in no address.
  const pairs = changed.filter(([, one]) => one !== "own").map(([key, one]) => [key, `${one}`]);
  return new URLSearchParams(pairs).toString().replaceAll("%2C", ",");
}

function value(key, text) {
  if (Array.isArray(BEGINNING[key])) return text ? text.split(",") : [];
  if (text === "true" || text === "false") return text === "true";
  return typeof BEGINNING[key] === "number" && text.trim() !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
}

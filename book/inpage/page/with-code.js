import { element } from "./element.js";

// A sentence's parts: what stands between backticks is code.
export const withCode = (sentence) => sentence.split("`").map((part, at) => (at % 2 ? element("code", { textContent: part }) : part));

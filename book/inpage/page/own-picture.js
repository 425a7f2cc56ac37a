// Ways in which readers bring a picture of their own; `bring(file)` hears of each.
import { element } from "./element.js";

export function pictureInput(id, bring) {
  const input = element("input", { type: "file", accept: "image/*", id, onchange: () => input.files[0] && bring(input.files[0]) });
  return input;
}

export function onPaste(bring) {
  addEventListener("paste", ({ clipboardData, target }) => {
    const file = [...(clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file && !target.closest?.("[contenteditable], textarea")) bring(file);
  });
}

export function onDrop(bring) {
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) bring(file);
  });
}

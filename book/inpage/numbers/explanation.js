// Below a value that is pinned: how it was made, what its line has learned, all channels of its line.
import { element } from "../page/element.js";
import { edition, words } from "../page/words.js";
import { showChannels } from "./channels-panel.js";
import { showMade } from "./made-panel.js";
import { showParameters } from "./parameters-panel.js";

// `onGoTo(place)` hears to which {step, index} the reader wants to go.
export function explanation({ onGoTo }) {
  let now = null; // what show() was given last
  const made = element("div");
  const parts = [
    [words("这一行学来的数", "What this line has learned"), (place) => showParameters(place, {
      step: now.step, tensors: now.tensors, channel: now.index[0], training: now.training,
      onPick: (channel) => onGoTo({ step: now.step, index: [channel, ...now.index.slice(1)] }),
    }, edition)],
    [words("所有通道", "All channels"), (place) => showChannels(place, {
      ...now.tensor, index: now.index, onPick: (index) => onGoTo({ step: now.step, index }),
    }, edition)],
  ].map(([title, draw]) => {
    const place = element("div");
    const whole = element("details", {}, element("summary", { textContent: title }), place);
    const update = () => (whole.open ? draw(place) : place.replaceChildren());
    whole.ontoggle = () => now && update();
    return { whole, update };
  });
  const box = element("section", { className: "living-numbers", "aria-label": words("钉住的数", "The pinned number") }, made, ...parts.map(({ whole }) => whole));
  return {
    element: box,
    // {step, index, tensor, tensors: {input, weights, steps}, description, training}
    show(given) {
      now = given;
      showMade(made, now.description, edition, { onGoTo: (step, index) => onGoTo({ step, index }) });
      parts.forEach(({ update }) => update());
    },
  };
}

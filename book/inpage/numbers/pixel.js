// The pixel that a reader looks at: in which step, where, and whether it is pinned; and its place in every other step.
import { neighbour, within } from "../page/pointing.js";

// `steps`: those of walks.js; `shapeOf(name)`: a step's shape, (1, C, H, W); `changed` hears of every change.
export function pixel({ steps, shapeOf, changed }) {
  let step = null, index = null, pinned = false;

  const set = (to, where, pin = pinned) => {
    [step, index, pinned] = [to, within(where, shapeOf(to)), pin];
    changed();
  };
  return {
    set,
    get step() { return step; },
    get index() { return index; },
    get pinned() { return pinned; },
    pin(on) {
      pinned = on && step !== null;
      changed();
    },
    // Its index in another step: the value there whose middle is nearest to the same place of the photograph.
    in(other) {
      if (step === null) return null;
      if (other === step) return index;
      const [channel, y, x] = index, [, channels] = shapeOf(other);
      const moved = (at) => Math.floor((at * steps[step].jump) / steps[other].jump);
      return within([channel % channels, moved(y), moved(x)], shapeOf(other));
    },
    moved: (key) => neighbour(key, index),
  };
}

export const middleOf = ([, , height, width]) => [0, height >> 1, width >> 1];

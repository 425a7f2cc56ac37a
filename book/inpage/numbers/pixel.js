// The pixel that a reader looks at: in which step, where, and whether it is pinned; and its place in every other step.

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
    // By keys: arrows go from value to value, Page Up and Page Down from channel to channel. null for another key.
    moved(key, from = index) {
      const [channel, y, x] = from;
      const to = {
        ArrowLeft: [channel, y, x - 1], ArrowRight: [channel, y, x + 1], ArrowUp: [channel, y - 1, x],
        ArrowDown: [channel, y + 1, x], PageUp: [channel - 1, y, x], PageDown: [channel + 1, y, x],
      }[key];
      return to ?? null;
    },
  };
}

export const within = (index, shape) => index.map((at, side) => Math.max(0, Math.min(shape[side + 1] - 1, at)));
export const middleOf = ([, , height, width]) => [0, height >> 1, width >> 1];

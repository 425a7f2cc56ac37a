// What has been computed, each by what it was computed from, so that a setting that moves costs only the lines after it.
import { dispose } from "./engine.js";

// An entry is {id, tensor}; no id is ever given twice.
export function memory() {
  const made = new Map(), used = new Set(), ids = new WeakMap();
  let last = 0;
  return {
    // The id of an array of values, which nobody changes.
    id(values) {
      if (!ids.has(values)) ids.set(values, (last += 1));
      return ids.get(values);
    },
    // The entry of `key`, which names an operation, its settings and the ids of its operands.
    take(key, compute) {
      if (!made.has(key)) made.set(key, { id: (last += 1), tensor: compute() });
      used.add(key);
      return made.get(key);
    },
    // Frees all that nobody has taken since the last sweep, or everything.
    sweep({ everything = false } = {}) {
      if (everything) used.clear();
      for (const [key, { tensor }] of made) {
        if (used.has(key)) continue;
        dispose(tensor);
        made.delete(key);
      }
      used.clear();
    },
  };
}

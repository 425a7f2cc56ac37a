// Python's side of the graphics card (card-worker.js): what it is asked, and what comes back. Numbers lie there under
// ids; asking does not wait, reading does.
import * as numbers from "./numbers.js";

const CLOSE = 1e-4;

export function cardAt(port, onLost) {
  const waiting = new Map(); // by id: what asked for the numbers that lie there
  let last = 0;

  port.onmessage = ({ data: { lost, wanted, data, error } }) => {
    if (lost) return lose();
    const { resolve, reject } = waiting.get(wanted) ?? {};
    waiting.delete(wanted);
    if (error === undefined) resolve?.(data);
    else reject?.(new Error(error));
  };

  function lose() {
    if (card.lost) return;
    card.lost = true;
    for (const { reject } of waiting.values()) reject(new Error("The graphics card has gone."));
    waiting.clear();
    onLost();
  }

  const card = {
    lost: false,
    put(values) {
      port.postMessage({ put: (last += 1), values });
      return last;
    },
    // The first id of as many results as there are. An argument that lies there is {lies: id}.
    compute(name, args, results) {
      const ids = Array.from({ length: results }, () => (last += 1));
      port.postMessage({ compute: ids, name, args });
      return ids[0];
    },
    read(id) {
      return new Promise((resolve, reject) => {
        if (card.lost) return reject(new Error("The graphics card has gone."));
        waiting.set(id, { resolve, reject });
        return port.postMessage({ wanted: id });
      });
    },
    free: (id) => port.postMessage({ free: id }),
    areSingle: (values) => values instanceof Float32Array,
  };
  return card;
}

// Whether a card computes what the processor does.
export async function agrees(card) {
  const values = Float32Array.from({ length: 2 * 9 * 9 }, (_, at) => Math.sin(at));
  const weight = Float32Array.from({ length: 4 * 2 * 9 }, (_, at) => Math.cos(3 * at));
  const window = { kernel: [3, 3], stride: [2, 2], padding: [1, 1], dilation: [1, 1] }, sizes = [1, 2, 9, 9];
  const ids = [card.put(values), card.put(weight)];
  ids.push(card.compute("convolved", [{ lies: ids[0] }, sizes, { lies: ids[1] }, [4, 2], null, window, 1], 1));
  ids.push(card.compute("relu", [{ lies: ids[2] }], 1));
  const found = await card.read(ids[3]);
  const expected = numbers.convolved(values, sizes, weight, [4, 2], null, window, 1).map((one) => Math.max(one, 0));
  ids.forEach(card.free);
  return found.length === expected.length && expected.every((one, at) => Math.abs(one - found[at]) <= CLOSE);
}

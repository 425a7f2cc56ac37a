// Whether computed numbers are those that PyTorch has computed beforehand.
import known from "known-numbers";

import { size } from "./tensors.js";

const TOLERANCE = 1e-4; // of the largest value, or of 1

// `sample`: a few of the tensor's values as they should be, evenly spaced in memory (linewalk/draw/maps.py).
export function agrees({ shape, data }, sample) {
  const allowed = TOLERANCE * data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return sample.every((value, part) => {
    const own = data[Math.floor(((2 * part + 1) * size(shape)) / (2 * sample.length))];
    return Math.abs(own - value) <= allowed;
  });
}

// Whether an engine (client.js) makes of noise what the trained block makes of it: known.py has the numbers.
export async function knowsTheBlock(engine) {
  const { steps } = await engine.block({ config: {}, weights: "book", input: "noise" });
  return Object.entries(known).every(([step, sample]) => agrees(steps[step], sample));
}

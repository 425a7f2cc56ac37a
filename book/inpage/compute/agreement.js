// Whether the numbers that the page computes are those that the build has printed on the cards.
import { size } from "./arithmetic.js";

const TOLERANCE = 1e-4; // of the largest value, or of 1

// `pictures`: [[image, step], …]. An image carries a few values of its step, evenly spaced in memory (linewalk/draw/maps.py).
export function agrees(pictures, values) {
  return pictures.every(([image, step]) => {
    const { shape, data } = values[step], printed = image.dataset.sample.split(",").map(Number);
    const allowed = TOLERANCE * data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    return printed.every((value, part) => {
      const own = data[Math.floor(((2 * part + 1) * size(shape)) / (2 * printed.length))];
      return Math.abs(own - value) <= allowed;
    });
  });
}

// Four patterns to feed a block with, (1, channels, height, width).
import { generator } from "./random.js";

export const PATTERNS = { edge, checkerboard, noise, pixel };

export function pattern(name, { inplanes, height, width }) {
  const shape = [1, inplanes, height, width];
  return { shape, data: PATTERNS[name](inplanes, height, width) };
}

function edge(channels, height, width) {
  return each(channels, height, width, (y, x) => (x < width / 2 ? -1 : 1));
}

function checkerboard(channels, height, width) {
  const side = Math.max(1, Math.round(Math.min(height, width) / 8));
  return each(channels, height, width, (y, x) => ((Math.floor(y / side) + Math.floor(x / side)) % 2 ? 1 : -1));
}

// torch.manual_seed(1); torch.randn(1, channels, height, width)
function noise(channels, height, width) {
  return generator(1).normal(channels * height * width);
}

function pixel(channels, height, width) {
  return each(channels, height, width, (y, x) => Number(y === height >> 1 && x === width >> 1));
}

function each(channels, height, width, value) {
  return Float32Array.from({ length: channels * height * width }, (_, at) => value(Math.floor(at / width) % height, at % width));
}

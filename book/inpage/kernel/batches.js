// What a convolution reads of a batch, and what it gives, with the samples innermost, (C, H, W, N): of small maps, too, that
// makes few products of long rows.
import { columnsOf, sumColumns } from "../compute/columns.js";
import { turned } from "./products.js";

const MOST = 1 << 21; // numbers in the columns of several samples
const rooms = new Map();

// As many samples at a time as can be laid out as one map that is so many times as wide: one, where places are skipped, or
// where one sample, of `size` numbers, is large enough.
export function batches(samples, size, { stride, kernel }) {
  const together = stride[1] === 1 ? Math.max(1, Math.floor(MOST / Math.max(1, size * kernel[0] * kernel[1]))) : 1;
  return Array.from({ length: Math.ceil(samples / together) }, (_, at) => ({ first: at * together, count: Math.min(together, samples - at * together) }));
}

// Room for that many numbers, of whatever was there: until the next call, so that few large arrays come and go.
export function room(kind, size) {
  const kept = rooms.get(kind);
  if (size > MOST) return new kind(size);
  if (kept?.length >= size) return kept.subarray(0, size);
  rooms.set(kind, new kind(Math.min(MOST, 2 * size)));
  return room(kind, size);
}

// (N, …) → (…, N), and back.
export const samplesLast = (values, count) => (count === 1 ? values : turned(values, 0, count, values.length / count));
export const samplesFirst = (values, count) => (count === 1 ? values : turned(values, 0, values.length / count, count));

// The columns of `count` samples, and how many there are; as `columnsOf`.
export function batchColumns(x, count, [channels, height, width], window) {
  const read = samplesLast(x, count);
  if (isPlain(window)) return { columns: read, wide: height * width * count };
  const { columns, places } = columnsOf(read, [channels, height, width * count], widened(window, count), (size) => room(x.constructor, size).fill(0));
  return { columns, wide: places[0] * places[1] };
}

// The other way round: what stands in the columns is summed where it was read, (C, H, W, N).
export function batchSums(columns, count, [channels, height, width], window) {
  if (isPlain(window)) return columns;
  const sums = new columns.constructor(channels * height * width * count);
  sumColumns(columns, sums, 0, [channels, height, width * count], widened(window, count));
  return sums;
}

function widened(window, count) {
  const [padding, dilation] = [window.padding, window.dilation].map(([down, across]) => [down, across * count]);
  return { ...window, padding, dilation };
}

// Whether an output reads one place, its own.
function isPlain({ kernel, stride, padding }) {
  return [...kernel, ...stride].every((one) => one === 1) && padding.every((one) => one === 0);
}

// Products of matrices of float32, four numbers at a time, in WebAssembly and a memory of its own: ten times as fast as
// loops of JavaScript. Each number is the sum of its products in their order, wherever in the result it stands.
import { assembled, f64, get, i32, procedure, repeated, set, tee, vector } from "./assembler.js";

export const LANES = 8; // rows end, for these functions, at a multiple of so many numbers; more are read and written
export const ROWS = 4; // and there are a multiple of so many

const SUMMED = 1 << 12, LEAST = 1 << 12;
const PAGE = 1 << 16, MOST = 1 << 28; // bytes; the memory never shrinks
const count = (length) => Array.from({ length }, (_, place) => place);

// (rows, inner) by a matrix whose row k begins `offsets[k]` bytes behind `other`, `length` bytes long. Rows of the result
// lie `apart` bytes from each other.
const multiply = procedure(8, ([one, inner, offsets, other, out, rows, length, apart], local) => {
  const [column, row, first, from, end, read, to] = count(7).map(() => local("i32"));
  const sums = count(2 * ROWS).map(() => local("v128")), [left, right, factor] = count(3).map(() => local("v128"));
  const step = [
    ...get(other), ...get(column), ...i32.add, ...get(from), ...i32.load, ...i32.add, ...set(read),
    ...get(read), ...vector.load(0), ...set(left), ...get(read), ...vector.load(16), ...set(right),
    ...get(first), ...set(read),
    ...count(ROWS).flatMap((at) => [
      ...get(read), ...vector.repeat(0), ...set(factor),
      ...plus(sums[2 * at], factor, left), ...plus(sums[2 * at + 1], factor, right),
      ...(at + 1 < ROWS ? [...get(read), ...get(inner), ...i32.add, ...set(read)] : []),
    ]),
    ...get(first), ...i32.is(4), ...i32.add, ...set(first),
    ...get(from), ...i32.is(4), ...i32.add, ...tee(from), ...get(end), ...i32.below,
  ];
  const fourRows = [
    ...sums.flatMap((sum) => [...vector.zero, ...set(sum)]),
    ...get(one), ...get(row), ...get(inner), ...i32.mul, ...i32.add, ...set(first), ...get(offsets), ...set(from),
    ...repeated(step),
    ...count(ROWS).flatMap((at) => [
      ...get(to), ...get(sums[2 * at]), ...vector.store(0), ...get(to), ...get(sums[2 * at + 1]), ...vector.store(16),
      ...get(to), ...get(apart), ...i32.add, ...set(to),
    ]),
    ...get(row), ...i32.is(ROWS), ...i32.add, ...tee(row), ...get(rows), ...i32.below,
  ];
  const eightColumns = [
    ...i32.is(0), ...set(row), ...get(out), ...get(column), ...i32.add, ...set(to),
    ...repeated(fourRows),
    ...get(column), ...i32.is(4 * LANES), ...i32.add, ...tee(column), ...get(length), ...i32.below,
  ];
  return [
    ...get(inner), ...i32.is(4), ...i32.mul, ...tee(inner), ...get(offsets), ...i32.add, ...set(end),
    ...repeated(eightColumns),
  ];
});

// Adds to (rows, inner) sums of float64 the products of rows of `length` bytes, `apart` bytes from each other, by those
// that begin `offsets[k]` bytes behind `other`. Both go on `times` times, `step` and `otherStep` bytes later.
const addByRows = procedure(11, ([one, apart, offsets, inner, other, sums, rows, length, times, step, otherStep], local) => {
  const [row, place, left, right, at, end, to, read, time] = count(9).map(() => local("i32"));
  const parts = count(2 * ROWS).map(() => local("v128")), [first, second, factor] = count(3).map(() => local("v128"));
  const fourNumbers = [
    ...get(left), ...vector.load(0), ...set(first), ...get(right), ...vector.load(0), ...set(second),
    ...get(at), ...set(read),
    ...count(ROWS).flatMap((n) => [
      ...get(read), ...vector.load(0), ...set(factor),
      ...plus(parts[2 * n], factor, first), ...plus(parts[2 * n + 1], factor, second),
      ...(n + 1 < ROWS ? [...get(read), ...get(apart), ...i32.add, ...set(read)] : []),
    ]),
    ...[left, right].flatMap((begin) => [...get(begin), ...i32.is(16), ...i32.add, ...set(begin)]),
    ...get(at), ...i32.is(16), ...i32.add, ...tee(at), ...get(end), ...i32.below,
  ];
  const oneRow = [
    ...[left, right].flatMap((begin, n) => [
      ...get(offsets), ...get(place), ...i32.add, ...i32.is(4 * n), ...i32.add, ...i32.load,
      ...get(other), ...i32.add, ...get(time), ...get(otherStep), ...i32.mul, ...i32.add, ...set(begin),
    ]),
    ...get(one), ...get(row), ...get(apart), ...i32.mul, ...i32.add, ...get(time), ...get(step), ...i32.mul, ...i32.add,
    ...tee(at), ...get(length), ...i32.add, ...set(end),
    ...repeated(fourNumbers),
    ...get(time), ...i32.is(1), ...i32.add, ...tee(time), ...get(times), ...i32.below,
  ];
  const added = (part, behind) => [
    ...get(to), ...get(to), ...f64.load(behind),
    ...count(4).flatMap((lane) => [...get(part), ...vector.lane(lane), ...f64.of, ...f64.add]), ...f64.store(behind),
  ];
  const twoPlaces = [
    ...parts.flatMap((part) => [...vector.zero, ...set(part)]),
    ...i32.is(0), ...set(time), ...repeated(oneRow),
    ...get(sums), ...get(row), ...get(inner), ...i32.mul, ...get(place), ...i32.add, ...i32.is(2), ...i32.mul, ...i32.add, ...set(to),
    ...count(ROWS).flatMap((n) => [
      ...added(parts[2 * n], 0), ...added(parts[2 * n + 1], 8),
      ...get(to), ...get(inner), ...i32.is(2), ...i32.mul, ...i32.add, ...set(to),
    ]),
    ...get(place), ...i32.is(8), ...i32.add, ...tee(place), ...get(inner), ...i32.below,
  ];
  const fourRows = [
    ...i32.is(0), ...set(place), ...repeated(twoPlaces),
    ...get(row), ...i32.is(ROWS), ...i32.add, ...tee(row), ...get(rows), ...i32.below,
  ];
  return [...get(inner), ...i32.is(4), ...i32.mul, ...set(inner), ...repeated(fourRows)];
});

function plus(sum, factor, other) {
  return [...get(sum), ...get(factor), ...get(other), ...vector.mul, ...vector.add, ...set(sum)];
}

const memory = new WebAssembly.Memory({ initial: 16 });
const functions = start();

function start() {
  try {
    return assembled({ multiply, addByRows }, memory);
  } catch { // a browser without such instructions
    return null;
  }
}

// (count, rows, inner) by (count, inner, columns), into `out`; whether it was done here.
export function multiplied(out, one, other, count, rows, inner, columns) {
  if (rows * inner * columns < LEAST || columns < LANES || !fit(2 * (one.length + other.length + out.length), out, one, other)) return false;
  const from = upTo(columns, LANES) + LANES, to = upTo(columns, LANES); // no power of two, at which caches forget
  const [left, right, made, offsets] = parts(
    [Float32Array, (rows + ROWS) * inner], [Float32Array, inner * from], [Float32Array, (rows + ROWS) * to], [Int32Array, inner],
  );
  for (let k = 0; k < inner; k += 1) offsets[k] = 4 * k * from;
  left.fill(0, rows * inner);
  for (let n = 0; n < count; n += 1) {
    left.set(one.subarray(n * rows * inner, (n + 1) * rows * inner));
    for (let k = 0; k < inner; k += 1) right.set(other.subarray((n * inner + k) * columns, (n * inner + k + 1) * columns), k * from);
    multiplyRows([left, 0], inner, offsets, [right, 0], [made, 0], rows, columns, to);
    for (let row = 0; row < rows; row += 1) out.set(made.subarray(row * to, row * to + columns), (n * rows + row) * columns);
  }
  return true;
}

// Whether so many float32 have room here, and these arrays are of them.
export function fit(size, ...arrays) {
  return functions !== null && 4 * size < MOST && arrays.every((one) => one instanceof Float32Array);
}

export const upTo = (length, multiple) => Math.ceil(length / multiple) * multiple;

// For one computation, parts of the memory, one behind the other, each of so many numbers of a kind, with whatever was
// there before; good until the next call.
export function parts(...wanted) {
  const bytes = wanted.map(([kind, length]) => upTo((length + LANES) * kind.BYTES_PER_ELEMENT, 16));
  const missing = bytes.reduce((all, one) => all + one, 0) - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  let begin = 0;
  return wanted.map(([kind, length], place) => {
    const part = new kind(memory.buffer, begin, length);
    begin += bytes[place];
    return part;
  });
}

// `multiply` and `addByRows` of such parts, the ones in pairs from a place on. Lengths are of numbers; `apart` is how far
// rows are from each other, of the result or of what is added up.
export function multiplyRows([one, first], inner, offsets, [other, second], [out, to], rows, length, apart) {
  functions.multiply(one.byteOffset + 4 * first, inner, offsets.byteOffset, other.byteOffset + 4 * second, out.byteOffset + 4 * to, rows, 4 * length, 4 * apart);
}

// Sums of float32 are of so many numbers at most, and theirs of float64.
export function addRows([one, first], apart, offsets, [other, second], sums, rows, length, times, step, otherStep) {
  const most = Math.max(1, Math.floor(SUMMED / length));
  for (let done = 0; done < times; done += most) {
    const [its, others] = [one.byteOffset + 4 * (first + done * step), other.byteOffset + 4 * (second + done * otherStep)];
    const now = Math.min(most, times - done);
    functions.addByRows(its, 4 * apart, offsets.byteOffset, offsets.length, others, sums.byteOffset, rows, 4 * length, now, 4 * step, 4 * otherStep);
  }
}

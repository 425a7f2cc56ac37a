// Products of matrices: `out`, `one` and `other` are arrays in which the matrices begin at `to`, `first` and `second`. Sums
// are of float64. Both take rows and numbers by fours and twos, so that less is read and written for each product.
const BLOCK = 512, FEW = 12;

// (rows, inner) by (inner, columns).
export function multiply(out, to, one, first, other, second, rows, inner, columns) {
  if (columns <= FEW && inner > columns) return multiplyFew(out, to, one, first, other, second, rows, inner, columns);
  const sums = [0, 1, 2, 3].map(() => new Float64Array(Math.min(BLOCK, columns)));
  for (let start = 0; start < columns; start += BLOCK) {
    const size = Math.min(BLOCK, columns - start);
    let row = 0;
    for (; row + 4 <= rows; row += 4) {
      fourRows(sums, one, first + row * inner, other, second + start, inner, columns, size);
      for (let n = 0; n < 4; n += 1) out.set(size === BLOCK ? sums[n] : sums[n].subarray(0, size), to + (row + n) * columns + start);
    }
    for (; row < rows; row += 1) {
      oneRow(sums[0], one, first + row * inner, other, second + start, inner, columns, size);
      out.set(sums[0].subarray(0, size), to + row * columns + start);
    }
  }
  return undefined;
}

function fourRows([p, q, r, s], one, first, other, second, inner, columns, size) {
  for (const sum of [p, q, r, s]) sum.fill(0);
  let k = 0;
  for (; k + 2 <= inner; k += 2) {
    const at = first + k, from = second + k * columns;
    const a = one[at], b = one[at + 1], c = one[at + inner], d = one[at + inner + 1];
    const e = one[at + 2 * inner], f = one[at + 2 * inner + 1], g = one[at + 3 * inner], h = one[at + 3 * inner + 1];
    for (let n = 0; n < size; n += 1) {
      const x = other[from + n], y = other[from + columns + n];
      p[n] += a * x + b * y;
      q[n] += c * x + d * y;
      r[n] += e * x + f * y;
      s[n] += g * x + h * y;
    }
  }
  if (k < inner) {
    const at = first + k, from = second + k * columns, a = one[at], c = one[at + inner], e = one[at + 2 * inner], g = one[at + 3 * inner];
    for (let n = 0; n < size; n += 1) {
      const x = other[from + n];
      p[n] += a * x;
      q[n] += c * x;
      r[n] += e * x;
      s[n] += g * x;
    }
  }
}

function oneRow(sum, one, first, other, second, inner, columns, size) {
  sum.fill(0);
  for (let k = 0; k < inner; k += 1) {
    const a = one[first + k], from = second + k * columns;
    for (let n = 0; n < size; n += 1) sum[n] += a * other[from + n];
  }
}

function multiplyFew(out, to, one, first, other, second, rows, inner, columns) {
  const turned = new Float64Array(inner * columns), sums = new Float64Array(rows * columns);
  for (let k = 0; k < inner; k += 1) for (let n = 0; n < columns; n += 1) turned[n * inner + k] = other[second + k * columns + n];
  addByRows(sums, 0, one, first, turned, 0, rows, inner, columns);
  out.set(sums, to);
}

// (rows, inner) by the rows of (columns, inner); added to the sums.
export function addByRows(sums, to, one, first, other, second, rows, inner, columns) {
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const at = first + row * inner, into = to + row * columns;
    let column = 0;
    for (; column + 2 <= columns; column += 2) fourByTwo(sums, into + column, one, at, other, second + column * inner, inner, columns);
    if (column < columns) for (let n = 0; n < 4; n += 1) sums[into + n * columns + column] += dot(one, at + n * inner, other, second + column * inner, inner);
  }
  for (; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      sums[to + row * columns + column] += dot(one, first + row * inner, other, second + column * inner, inner);
    }
  }
}

function fourByTwo(sums, into, one, at, other, from, inner, columns) {
  let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
  for (let n = 0; n < inner; n += 1) {
    const x = other[from + n], y = other[from + inner + n];
    const p = one[at + n], q = one[at + inner + n], r = one[at + 2 * inner + n], s = one[at + 3 * inner + n];
    a += p * x; b += p * y; c += q * x; d += q * y; e += r * x; f += r * y; g += s * x; h += s * y;
  }
  sums[into] += a; sums[into + 1] += b; sums[into + columns] += c; sums[into + columns + 1] += d;
  sums[into + 2 * columns] += e; sums[into + 2 * columns + 1] += f; sums[into + 3 * columns] += g; sums[into + 3 * columns + 1] += h;
}

function dot(one, at, other, from, inner) {
  let sum = 0;
  for (let n = 0; n < inner; n += 1) sum += one[at + n] * other[from + n];
  return sum;
}

// Adds (rows, inner) by (inner, columns) of which only a few are inside.
export function addFew(sums, to, one, first, other, second, rows, inner, columns) {
  for (let row = 0; row < rows; row += 1) {
    const into = to + row * columns;
    for (let k = 0; k < inner; k += 1) {
      const a = one[first + row * inner + k], from = second + k * columns;
      for (let n = 0; n < columns; n += 1) sums[into + n] += a * other[from + n];
    }
  }
}

// A matrix with its rows as columns.
export function turned(matrix, from, rows, columns) {
  const out = new matrix.constructor(rows * columns);
  for (let row = 0, at = from; row < rows; row += 1) for (let column = 0; column < columns; column += 1, at += 1) out[column * rows + row] = matrix[at];
  return out;
}

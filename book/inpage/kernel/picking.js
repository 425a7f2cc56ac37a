// Numbers picked out by place, put in order, and compared: arrays as in numbers.js.
import { KINDS } from "./numbers.js";

const APART = 64; // in a row, of what is looked at to know its numbers

// places: for each number that is asked for, where it stands.
export function picked(x, places) {
  const out = new x.constructor(places.length);
  for (let at = 0; at < out.length; at += 1) out[at] = x[places[at]];
  return out;
}

// A copy of x in which `values` stand at `places`, or are added there.
export function replaced(x, places, values, adds) {
  const out = x.slice(), step = values.length === 1 ? 0 : 1;
  for (let at = 0; at < places.length; at += 1) out[places[at]] = adds ? out[places[at]] + values[at * step] : values[at * step];
  return out;
}

// Where the parts of a tensor lie that indices ask for: for each index, its numbers, the size of its dimension and how far
// apart its steps are; each step is of `inner` numbers, and all of it is repeated for `outer` blocks of `size`.
export function placesOf(indices, sizes, strides, count, outer, size, rest, restStrides) {
  const inner = rest.reduce((all, one) => all * one, 1), offsets = new Float64Array(inner);
  for (let at = 0; at < inner; at += 1) {
    let left = at, offset = 0;
    for (let dim = rest.length - 1; dim >= 0; dim -= 1) {
      offset += (left % rest[dim]) * restStrides[dim];
      left = Math.floor(left / rest[dim]);
    }
    offsets[at] = offset;
  }
  const out = new Float64Array(outer * count * inner);
  for (let block = 0, to = 0; block < outer; block += 1) {
    for (let at = 0; at < count; at += 1) {
      let start = block * size;
      for (let n = 0; n < indices.length; n += 1) {
        const asked = indices[n][indices[n].length === 1 ? 0 : at], index = asked < 0 ? asked + sizes[n] : asked;
        if (index < 0 || index >= sizes[n]) return { wrong: asked, size: sizes[n], which: n };
        start += index * strides[n];
      }
      for (let n = 0; n < inner; n += 1, to += 1) out[to] = start + offsets[n];
    }
  }
  return out;
}

// Where each of `index`, of this shape, points in a tensor of these strides, along the dimension `dim` of `count` numbers.
export function along(index, shape, strides, dim, count) {
  const out = new Float64Array(index.length);
  for (let at = 0; at < out.length; at += 1) {
    let left = at, place = (index[at] < 0 ? index[at] + count : index[at]) * strides[dim];
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      if (axis !== dim) place += (left % shape[axis]) * strides[axis];
      left = Math.floor(left / shape[axis]);
    }
    out[at] = place;
  }
  return out;
}

// The places of what is not zero, one after another.
export function truePlaces(x) {
  const found = [];
  for (let at = 0; at < x.length; at += 1) if (x[at]) found.push(at);
  return Float64Array.from(found);
}

// Rows of `count` in order: [values, where they were]; the first `kept` of each.
export function ordered(kind, x, rows, count, kept, descending) {
  const values = new KINDS[kind](rows * kept), places = new Float64Array(rows * kept);
  for (let row = 0; row < rows; row += 1) {
    const ranks = new Float64Array(x.subarray(row * count, (row + 1) * count));
    for (let at = 0; at < count; at += 1) if (Number.isNaN(ranks[at])) ranks[at] = Infinity;
    const order = candidates(ranks, kept, descending).sort((one, other) => {
      const [a, b] = [ranks[one], ranks[other]];
      return (a === b ? 0 : descending ? b > a ? 1 : -1 : a > b ? 1 : -1) || one - other;
    });
    for (let at = 0; at < kept; at += 1) [values[row * kept + at], places[row * kept + at]] = [x[row * count + order[at]], order[at]];
  }
  return [values, places];
}

// Where the first `kept` of a row are among: all of it, or, of a long row, what is no worse than the last of them. Most of
// it is kept out by what a sample has for the last of twice as many.
function candidates(ranks, kept, descending) {
  if (!kept || kept * 8 > ranks.length) return Uint32Array.from(ranks.keys());
  const sample = Float64Array.from({ length: Math.ceil(ranks.length / APART) }, (_, at) => ranks[at * APART]).sort();
  const most = Math.min(Math.ceil((2 * kept) / APART) + 8, sample.length);
  const likely = picked(ranks, noWorse(ranks, sample[descending ? sample.length - most : most - 1], descending));
  const row = likely.length < kept ? ranks.slice() : likely;
  return noWorse(ranks, chosenOf(row, descending ? row.length - kept : kept - 1), descending);
}

function noWorse(ranks, bound, descending) {
  const found = [];
  if (descending) for (let at = 0; at < ranks.length; at += 1) { if (ranks[at] >= bound) found.push(at); }
  else for (let at = 0; at < ranks.length; at += 1) if (ranks[at] <= bound) found.push(at);
  return Uint32Array.from(found);
}

// The number that would stand at a place if the row were in order (Hoare's selection); the row is mixed up.
function chosenOf(row, place) {
  for (let low = 0, high = row.length - 1; low < high;) {
    const pivot = row[(low + high) >> 1];
    let left = low, right = high;
    while (left <= right) {
      while (row[left] < pivot) left += 1;
      while (row[right] > pivot) right -= 1;
      if (left <= right) {
        [row[left], row[right]] = [row[right], row[left]];
        left += 1;
        right -= 1;
      }
    }
    if (place <= right) high = right;
    else if (place >= left) low = left;
    else break;
  }
  return row[place];
}

export function same(x, y) {
  for (let at = 0; at < x.length; at += 1) if (x[at] !== y[at]) return false;
  return true;
}

// Whether each pair is as good as equal, by PyTorch's rule.
export function near(x, y, relative, absolute, nan) {
  const out = new Uint8Array(x.length);
  for (let at = 0; at < x.length; at += 1) {
    const [a, b] = [x[at], y[at]];
    out[at] = a === b || (nan && Number.isNaN(a) && Number.isNaN(b)) || (Number.isFinite(b) && Math.abs(a - b) <= absolute + relative * Math.abs(b));
  }
  return out;
}

// Sums, or products, of all up to each, along rows of `count`.
export function running(kind, x, rows, count, multiplies) {
  const out = new KINDS[kind](x.length);
  for (let row = 0; row < rows; row += 1) {
    let all = multiplies ? 1 : 0;
    for (let at = row * count; at < (row + 1) * count; at += 1) out[at] = all = multiplies ? all * x[at] : all + x[at];
  }
  return out;
}

// What lies below a diagonal of matrices of `tall` by `wide`, or above it; the rest is zero.
export function triangle(x, tall, wide, diagonal, isLower) {
  const out = x.slice();
  for (let at = 0; at < out.length; at += 1) {
    const away = (at % wide) - (Math.floor(at / wide) % tall);
    if (isLower ? away > diagonal : away < diagonal) out[at] = 0;
  }
  return out;
}

// The mean of each row, and 1 / √(its variance + eps).
export function rowMoments(kind, x, rows, count, eps) {
  const means = new KINDS[kind](rows), spreads = new KINDS[kind](rows);
  for (let row = 0; row < rows; row += 1) {
    const part = x.subarray(row * count, (row + 1) * count), mean = part.reduce((all, one) => all + one, 0) / count;
    means[row] = mean;
    spreads[row] = 1 / Math.sqrt(part.reduce((all, one) => all + (one - mean) ** 2, 0) / count + eps);
  }
  return [means, spreads];
}

// Maps made larger or smaller. nearest: each place takes the number that it lies over; else a mixture of the four around.
export function resized(x, maps, [height, width], [tall, wide], nearest, corners) {
  const out = new x.constructor(maps * tall * wide);
  const [ys, xs] = [sources(height, tall, nearest, corners), sources(width, wide, nearest, corners)];
  for (let map = 0, to = 0; map < maps; map += 1) {
    const at = (y, column) => x[(map * height + y) * width + column];
    for (const [y0, y1, down] of ys) {
      for (const [x0, x1, across] of xs) {
        const above = at(y0, x0) * (1 - across) + at(y0, x1) * across, below = at(y1, x0) * (1 - across) + at(y1, x1) * across;
        out[to] = above * (1 - down) + below * down;
        to += 1;
      }
    }
  }
  return out;
}

export function resizedBack(gradient, maps, [height, width], [tall, wide], nearest, corners) {
  const out = new gradient.constructor(maps * height * width);
  const [ys, xs] = [sources(height, tall, nearest, corners), sources(width, wide, nearest, corners)];
  for (let map = 0, from = 0; map < maps; map += 1) {
    for (const [y0, y1, down] of ys) {
      for (const [x0, x1, across] of xs) {
        const value = gradient[from], first = map * height * width;
        out[first + y0 * width + x0] += value * (1 - down) * (1 - across);
        out[first + y0 * width + x1] += value * (1 - down) * across;
        out[first + y1 * width + x0] += value * down * (1 - across);
        out[first + y1 * width + x1] += value * down * across;
        from += 1;
      }
    }
  }
  return out;
}

// For each place of the result: the two that it lies between, and the share of the second.
function sources(size, wanted, nearest, corners) {
  return Array.from({ length: wanted }, (_, at) => {
    if (nearest) {
      const place = Math.min(Math.floor((at * size) / wanted), size - 1);
      return [place, place, 0];
    }
    const exact = corners ? (wanted > 1 ? (at * (size - 1)) / (wanted - 1) : 0) : Math.max(((at + 0.5) * size) / wanted - 0.5, 0);
    const place = Math.floor(exact);
    return [place, Math.min(place + 1, size - 1), exact - place];
  });
}

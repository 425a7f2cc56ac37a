// Where a kernel lies over what it reads, along one side; a window is {kernel, stride, padding, dilation}.

// How many outputs a side of `length` gives.
export function outputsAlong(length, { kernel, stride, padding, dilation }) {
  return Math.floor((length + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

// Which places the output at `place` reads; those below 0 or beyond the end are padding.
export function placesUnder(place, { kernel, stride, padding, dilation }) {
  return Array.from({ length: kernel }, (_, tap) => place * stride - padding + tap * dilation);
}

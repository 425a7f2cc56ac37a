// What a convolution reads, laid out so that one product of matrices is left to compute.
import { outputsAlong } from "./windows.js";

// (C, H, W) → (C·K·K, H'·W'): in each column all that one output reads, zero where that is padding. `places` is [H', W'].
export function columnsOf(values, [channels, height, width], window) {
  const { kernel, stride, padding, dilation } = window;
  const [tall, wide] = [height, width].map((length) => outputsAlong(length, window)), columns = new Float32Array(channels * kernel * kernel * tall * wide);
  let at = 0;
  for (let channel = 0; channel < channels; channel += 1) {
    for (let tap = 0; tap < kernel * kernel; tap += 1) {
      const top = Math.floor(tap / kernel) * dilation - padding, left = (tap % kernel) * dilation - padding;
      const first = Math.max(0, Math.ceil(-left / stride)), end = Math.min(wide, Math.floor((width - 1 - left) / stride) + 1);
      for (let row = top; row < top + tall * stride; row += stride, at += wide) {
        if (row < 0 || row >= height || end <= first) continue;
        const from = (channel * height + row) * width + left;
        if (stride === 1) columns.set(values.subarray(from + first, from + end), at + first);
        else for (let x = first; x < end; x += 1) columns[at + x] = values[from + x * stride];
      }
    }
  }
  return { columns, places: [tall, wide] };
}

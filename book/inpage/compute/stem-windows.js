// Where the two lines of the stem that look beyond one place read (a window as in windows.js), and what that comes to.
export const CONV1 = { kernel: 7, stride: 2, padding: 3, dilation: 1 };
export const MAXPOOL = { kernel: 3, stride: 2, padding: 1, dilation: 1 };

// How many pixels a side one value sees, and how many lie between two of its values.
export const AFTER_CONV1 = { field: CONV1.kernel, jump: CONV1.stride };
export const AFTER_STEM = { field: CONV1.kernel + (MAXPOOL.kernel - 1) * CONV1.stride, jump: CONV1.stride * MAXPOOL.stride };

// A tensor is {shape, data}: its sides, and its float32 values as they lie in memory.

export const size = (shape) => shape.reduce((product, length) => product * length, 1);

// The value at [channel, row, column] of the first sample of (N, C, H, W).
export const valueAt = ({ shape, data }, [channel, row, column]) => data[(channel * shape[2] + row) * shape[3] + column];

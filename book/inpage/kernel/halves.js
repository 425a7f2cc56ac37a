// Numbers of 16 bits: they are kept as float32, and rounded as each result is stored.
const bits = new Uint32Array(1), value = new Float32Array(bits.buffer);

// float32 → the nearest that the type has, of two as near the even one.
const NEAREST = {
  bfloat16: (x) => dropped(x, 16),
  float16(x) {
    if (Math.abs(x) < 2 ** -14) return (x * 2 ** 24 + 1.5 * 2 ** 52 - 1.5 * 2 ** 52) / 2 ** 24; // all of one distance
    const near = dropped(x, 13);
    return Math.abs(near) > 65504 ? Math.sign(x) * Infinity : near;
  },
};

// Without so many of its last bits.
function dropped(x, count) {
  value[0] = x;
  if (!Number.isFinite(value[0])) return value[0];
  bits[0] += 2 ** (count - 1) - 1 + ((bits[0] >>> count) & 1);
  bits[0] &= -(2 ** count);
  return value[0];
}

export function rounded(kind, values) {
  return kind in NEAREST ? values.map(NEAREST[kind]) : values;
}

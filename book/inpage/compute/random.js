// PyTorch's random numbers on the CPU: what `torch.manual_seed(seed)` begins. A Mersenne Twister (Matsumoto and
// Nishimura, 1998), of whose words a float32 takes the lower 24 bits, and a float64 of two the lower 53.
const LENGTH = 624, MIDDLE = 397;

export function generator(seed) {
  const state = new Uint32Array(LENGTH);
  state[0] = seed;
  for (let at = 1; at < LENGTH; at += 1) state[at] = Math.imul(1812433253, state[at - 1] ^ (state[at - 1] >>> 30)) + at;
  let next = LENGTH;

  function word() {
    if (next === LENGTH) {
      for (let at = 0; at < LENGTH; at += 1) {
        const after = at + 1 === LENGTH ? 0 : at + 1, far = at + MIDDLE < LENGTH ? at + MIDDLE : at + MIDDLE - LENGTH;
        const joined = (state[at] & 0x80000000) | (state[after] & 0x7fffffff);
        state[at] = state[far] ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
      }
      next = 0;
    }
    let value = state[next++];
    value ^= value >>> 11;
    value ^= (value << 7) & 0x9d2c5680;
    value ^= (value << 15) & 0xefc60000;
    return (value ^ (value >>> 18)) >>> 0;
  }

  const unit = () => (word() & 0xffffff) / 2 ** 24;
  const precise = () => { // of two words, the lower 53 bits
    const high = word(), low = word();
    return ((high & 0x1fffff) * 2 ** 32 + low) / 2 ** 53;
  };
  const drawing = (kind) => (kind === Float64Array ? precise : unit);
  const units = (count, span, low, kind) => {
    const values = new kind(count), draw = drawing(kind);
    for (let at = 0; at < count; at += 1) values[at] = draw() * span + low;
    return values;
  };
  let kept = null; // of two that Box and Muller make, the one that nobody has asked for yet

  return {
    word,
    precise,
    state: () => ({ words: state.slice(), next, kept }),
    restore(before) {
      state.set(before.words);
      ({ next, kept } = before);
    },
    // As `torch.randn(count)` for less than 16: one after another.
    few: (count) => Float64Array.from({ length: count }, () => {
      if (kept !== null) {
        const value = kept;
        kept = null;
        return value;
      }
      const angle = 2 * Math.PI * precise(), radius = Math.sqrt(-2 * Math.log1p(-precise()));
      kept = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    }),
    // As `torch.empty(count).uniform_(low, high)`.
    uniform: (count, low, high, kind = Float32Array) => units(count, kind.of(high - low)[0], low, kind),
    // As `torch.randn(count)` for 16 or more; sixteen at a time by Box and Muller, the rest drawn anew with the last ones.
    normal(count, kind = Float32Array) {
      const values = units(Math.max(16, count), 1, 0, kind), draw = drawing(kind);
      const turn = (from) => {
        for (let at = from; at < from + 8; at += 1) {
          const radius = Math.sqrt(-2 * Math.log(1 - values[at])), angle = 2 * Math.PI * values[at + 8];
          [values[at], values[at + 8]] = [radius * Math.cos(angle), radius * Math.sin(angle)];
        }
      };
      for (let from = 0; from + 16 <= values.length; from += 16) turn(from);
      if (values.length % 16) {
        for (let at = values.length - 16; at < values.length; at += 1) values[at] = draw();
        turn(values.length - 16);
      }
      return values.subarray(0, count);
    },
  };
}

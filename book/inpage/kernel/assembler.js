// WebAssembly, put together from instructions: what is given here are bytes, as lists, that can be strung together.
// https://webassembly.github.io/spec/core/binary/ has the numbers.
const VOID = 0x40, KINDS = { i32: 0x7f, v128: 0x7b };

export const get = (local) => [0x20, ...whole(local)];
export const set = (local) => [0x21, ...whole(local)];
export const tee = (local) => [0x22, ...whole(local)];
export const i32 = {
  is: (value) => [0x41, ...signed(value)], add: [0x6a], mul: [0x6c], below: [0x49], load: [0x28, 2, 0],
};
export const f64 = { add: [0xa0], of: [0xbb], load: (at) => [0x2b, 3, ...whole(at)], store: (at) => [0x39, 3, ...whole(at)] };
export const vector = { // four float32
  load: (at) => [0xfd, 0x00, 2, ...whole(at)], store: (at) => [0xfd, 0x0b, 2, ...whole(at)], repeat: (at) => [0xfd, 0x09, 2, ...whole(at)],
  zero: [0xfd, 0x0c, ...new Array(16).fill(0)], add: [0xfd, 0xe4, 1], mul: [0xfd, 0xe6, 1], lane: (place) => [0xfd, 0x1f, place],
};

// Once, and again as long as it leaves a number other than 0.
export const repeated = (body) => [0x03, VOID, ...body, 0x0d, 0, 0x0b];

// A function of `params` numbers (i32) without a result: `write` gets its parameters, and what makes a local of a kind.
export function procedure(params, write) {
  const locals = [];
  const local = (kind) => params + locals.push(KINDS[kind]) - 1;
  const code = write(Array.from({ length: params }, (_, place) => place), local);
  const own = [...whole(locals.length), ...locals.flatMap((kind) => [1, kind]), ...code, 0x0b];
  return { params, body: [...whole(own.length), ...own] };
}

// The functions by their names, over a memory.
export function assembled(procedures, memory) {
  const list = Object.values(procedures), names = Object.keys(procedures);
  const bytes = [
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, list.map(({ params }) => [0x60, ...whole(params), ...new Array(params).fill(KINDS.i32), 0])),
    ...section(2, [[...text("page"), ...text("memory"), 2, 0, 0]]),
    ...section(3, list.map((_, place) => whole(place))),
    ...section(7, names.map((name, place) => [...text(name), 0, ...whole(place)])),
    ...section(10, list.map(({ body }) => body)),
  ];
  const module = new WebAssembly.Module(Uint8Array.from(bytes));
  return new WebAssembly.Instance(module, { page: { memory } }).exports;
}

function section(number, entries) {
  const content = [...whole(entries.length), ...entries.flat()];
  return [number, ...whole(content.length), ...content];
}

const text = (name) => [name.length, ...new TextEncoder().encode(name)];

// Numbers in LEB128.
function whole(value) {
  return value < 128 ? [value] : [(value & 127) | 128, ...whole(value >>> 7)];
}

function signed(value) {
  const ends = value >= -64 && value < 64;
  return ends ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)];
}

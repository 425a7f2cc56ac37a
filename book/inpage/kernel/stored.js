// A zip archive whose files are stored, not compressed, as book/python_parts.py packs them.
const FILE = 0x02014b50, END = 0x06054b50, END_SIZE = 22; // https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

// Each file's name and its bytes, which stay the archive's own.
export function* stored(archive) {
  const view = new DataView(archive), text = new TextDecoder(), bytes = (from, size) => new Uint8Array(archive, from, size);
  const end = archive.byteLength - END_SIZE;
  if (view.getUint32(end, true) !== END) throw new Error("no such archive");
  for (let at = view.getUint32(end + 16, true); view.getUint32(at, true) === FILE;) {
    const [size, name, extra, comment] = [view.getUint32(at + 24, true), ...[28, 30, 32].map((place) => view.getUint16(at + place, true))];
    const header = view.getUint32(at + 42, true);
    const from = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
    yield [text.decode(bytes(at + 46, name)), bytes(from, size)];
    at += 46 + name + extra + comment;
  }
}

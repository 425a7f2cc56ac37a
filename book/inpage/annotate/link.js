// The address that carries code to a friend: in its fragment, which no browser sends to a server.

const NAME = "code=";
const PLAIN = "paste="; // as the search field hands over what was pasted there

// What the address brought, or null.
export async function codeInAddress() {
  const given = location.hash.slice(1);
  if (given.startsWith(PLAIN)) return decodeURIComponent(given.slice(PLAIN.length));
  if (!given.startsWith(NAME)) return null;
  try {
    const text = given.slice(NAME.length).replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text();
  } catch {
    return null; // cut off on its way
  }
}

export async function linkTo(code) {
  const stream = new Blob([code]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return `${location.href.split("#")[0]}#${NAME}${text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

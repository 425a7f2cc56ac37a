// What came out of the frame may have been made by anybody's code: of its markup, what notes are written in is built
// anew, and the rest is text.

const KEPT = new Set(["P", "CODE", "STRONG", "EM", "UL", "OL", "LI", "DETAILS", "SUMMARY", "BR", "SPAN"]);

export function inert(html) {
  const made = document.createDocumentFragment();
  made.append(...rebuilt(new DOMParser().parseFromString(String(html), "text/html").body));
  return made;
}

function rebuilt(parent) {
  return [...parent.childNodes].flatMap((node) => {
    if (node.nodeType === Node.TEXT_NODE) return [node.data];
    if (node.nodeType !== Node.ELEMENT_NODE || ["SCRIPT", "STYLE", "TEMPLATE"].includes(node.tagName)) return [];
    const children = rebuilt(node);
    if (!KEPT.has(node.tagName)) return children;
    const made = document.createElement(node.tagName);
    made.append(...children);
    return [made];
  });
}

// What came out of the frame may have been made by anybody's code: of its markup, what notes are written in is built
// anew, links lead to the book's own sections and nowhere else, and the rest is text.

const KEPT = new Set(["P", "CODE", "STRONG", "EM", "UL", "OL", "LI", "DETAILS", "SUMMARY", "BR", "SPAN"]);
const SECTION = /^(\d\d_[a-z_]+)#([\w-]+)$/;

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
    const [, chapter, anchor] = node.dataset?.section?.match(SECTION) ?? [];
    if (node.tagName === "A" && chapter) return [linkTo(`../notebooks/${chapter}.html#${anchor}`, children)];
    if (!KEPT.has(node.tagName)) return children;
    const made = document.createElement(node.tagName);
    made.append(...children);
    return [made];
  });
}

function linkTo(href, children) {
  const made = document.createElement("a");
  made.href = href;
  made.className = "an-section";
  made.append(...children);
  return made;
}

// HTML that may have been made by anybody's code, as a page may show it: pictures, tables and words, which do nothing.

import DOMPurify from "dompurify";

const FORBIDDEN = { FORBID_TAGS: ["style", "form", "input", "button", "select", "textarea", "dialog", "audio", "video", "source", "image", "feimage", "use", "animate", "set"] };
const PICTURE = /^data:image\/(png|jpeg|gif|webp);base64,/i;
const OWN = /^#/; // a place in the page, as an arrow's tip is
const FETCHES = /url\((?!\s*["']?#)|image-set|@import|expression|\\/i;

DOMPurify.addHook("uponSanitizeAttribute", (element, attribute) => {
  const { attrName: name, attrValue: value } = attribute;
  if (["src", "poster", "background"].includes(name)) attribute.keepAttr = element.tagName === "IMG" && PICTURE.test(value);
  else if (name === "srcset") attribute.keepAttr = false;
  else if (/href$/i.test(name)) attribute.keepAttr = OWN.test(value);
  else if (FETCHES.test(value) && (name === "style" || element.namespaceURI.endsWith("svg"))) attribute.keepAttr = false;
});

export function inert(html) {
  return DOMPurify.sanitize(html, { ...FORBIDDEN, RETURN_DOM_FRAGMENT: true });
}

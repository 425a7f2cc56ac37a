// The page's edition, and what it says in it.
export const edition = document.querySelector(".language-switch [aria-current]")?.dataset.edition ?? "both";
export const wordsIn = (language) => (zh, en) => ({ zh, en, both: `${zh} / ${en}` })[language];
export const words = wordsIn(edition);
export const inWords = ({ zh, en }) => words(zh, en);

// An element with properties, `data-` and `aria-` attributes, and children.
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (/-|^role$|^for$/.test(key)) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

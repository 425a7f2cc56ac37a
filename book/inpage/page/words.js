// The page's edition, and what it says in it.
export const edition = document.querySelector(".language-switch [aria-current]")?.dataset.edition ?? "both";
export const wordsIn = (language) => (zh, en) => ({ zh, en, both: `${zh} / ${en}` })[language];
export const words = wordsIn(edition);
export const inWords = ({ zh, en }) => words(zh, en);

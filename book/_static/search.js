// What Sphinx's search (searchtools.js) lacks on this site.

// Chinese is written without spaces: a query is cut into the longest words that the index knows.
{
  const split = splitQuery;
  const scripts = /\p{Script=Han}+|[^\p{Script=Han}]+/gu;
  splitQuery = (query) => split(query).flatMap((word) => word.match(scripts)).flatMap(cut);

  function cut(word) {
    if (!/\p{Script=Han}/u.test(word) || known(word)) return [word];
    const words = [];
    for (let start = 0, end; start < word.length; start = end) {
      end = word.length;
      while (end > start + 1 && !known(word.slice(start, end))) end -= 1;
      if (end > start + 1) words.push(word.slice(start, end));
    }
    return words.length ? words : [word];
  }

  function known(word) {
    return Object.hasOwn(Search._index.terms, word) || Object.hasOwn(Search._index.titleterms, word);
  }
}

// A page opened from a file may not read the pages it would quote.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".bd-search-container input[name=q]").focus();
});

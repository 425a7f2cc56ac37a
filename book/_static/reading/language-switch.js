// The language switch: the links work by themselves; this keeps the section being read, and remembers the choice.

{
  // An address may have been cut off in the middle of a letter.
  function named(hash) {
    try {
      return decodeURIComponent(hash.slice(1));
    } catch {
      return "";
    }
  }

  function sectionInView() {
    const target = document.getElementById(named(location.hash));
    const visible = (element) => {
      const { top, bottom } = element.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    };
    if (target && visible(target)) return target.id;
    // The last section to have begun above the upper third; the page's own section needs no anchor.
    const begun = [...document.querySelectorAll("article section section[id]")].filter(
      (section) => section.getBoundingClientRect().top < innerHeight / 3,
    );
    return begun.at(-1)?.id ?? "";
  }

  function remember(edition) {
    try {
      localStorage.setItem("edition", edition);
    } catch {
      // A browser may forbid storage; the switch works without.
    }
  }

  for (const link of document.querySelectorAll(".language-switch a")) {
    link.addEventListener("click", () => {
      remember(link.dataset.edition);
      link.hash = sectionInView();
    });
  }
}

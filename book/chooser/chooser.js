// Goes to the edition chosen last, or else to the first language the browser prefers that there is an edition for.

function remembered() {
  try {
    return localStorage.getItem("edition");
  } catch {
    return null;
  }
}

function preferred() {
  for (const language of navigator.languages) {
    if (/^zh\b/i.test(language)) return "zh";
    if (/^en\b/i.test(language)) return "en";
  }
  return null;
}

const links = [...document.querySelectorAll("a[data-edition]")];
for (const link of links) {
  link.addEventListener("click", () => {
    try {
      localStorage.setItem("edition", link.dataset.edition);
    } catch {
      // A browser may forbid storage; the link works without.
    }
  });
}

const edition = remembered() ?? preferred();
const choice = links.find((link) => link.dataset.edition === edition);
// `#choose` shows the choice to a reader who wants another edition than the one remembered.
if (choice && location.hash !== "#choose") location.replace(choice.href);

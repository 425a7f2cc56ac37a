// The list of the page's sections marks the one that is read; an old address goes on to where its section is now.

(() => {
const lists = [...document.querySelectorAll(".page-sections")];

document.addEventListener("section-read", ({ detail: id }) => {
  for (const list of lists) {
    list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const link = list.querySelector(`a[href="#${CSS.escape(id)}"]`);
    link?.setAttribute("aria-current", "location");
    if (link) keepInView(link, list.closest(".bd-sidebar"));
  }
});

// A page with a code column says which section is read; on one without, the list finds out itself.
if (lists.length && !document.querySelector(".code-column")) {
  const sections = [...document.querySelectorAll("article section[id]")];
  let reading = null;
  const follow = () => {
    const section = sections.findLast((section) => section.getBoundingClientRect().top < innerHeight / 3) ?? sections[0];
    if (section !== reading) document.dispatchEvent(new CustomEvent("section-read", { detail: section.id }));
    reading = section;
  };
  addEventListener("scroll", follow, { passive: true });
  follow();
}

// Scrolls the sidebar only, never the page.
function keepInView(link, sidebar) {
  if (!sidebar) return;
  const { top, bottom } = link.getBoundingClientRect();
  const frame = sidebar.getBoundingClientRect();
  if (top < frame.top + 40 || bottom > frame.bottom - 40) sidebar.scrollTop += top - frame.top - frame.height / 3;
}

// On a small screen the sidebar lies over the page until a section is chosen.
for (const list of lists) {
  list.addEventListener("click", (event) => {
    if (!event.target.closest("a")) return;
    list.closest("dialog")?.close();
    const older = document.querySelector("#pst-primary-sidebar-checkbox, #__primary");
    if (older?.checked && list.closest(".bd-sidebar")) older.click();
  });
}

function followMoved() {
  const link = document.getElementById(location.hash.slice(1))?.closest(".moved-sections > p")?.querySelector("a");
  if (link) location.replace(link.href);
}
addEventListener("hashchange", followMoved);
followMoved();
})();

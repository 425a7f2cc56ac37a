// The menu that leads to the chapter's notebook closes as menus do: by Escape, or by a click elsewhere.

const notebookMenu = document.querySelector(".elsewhere");

if (notebookMenu) {
  document.addEventListener("click", (event) => {
    if (!notebookMenu.contains(event.target)) notebookMenu.open = false;
  });
  notebookMenu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    notebookMenu.open = false;
    notebookMenu.querySelector("summary").focus();
    event.preventDefault(); // the code column's Escape is another
  });
}

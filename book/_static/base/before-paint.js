// Before anything is drawn: the colours that the reader chose, or the system's, the width of the code, and whether
// answers are hidden until they are guessed (predict.js), as the address says or the reader chose.
{
  const kept = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // a browser may forbid storage
    }
  };
  const root = document.documentElement;
  const mode = kept("mode") || "auto";
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.mode = mode;
  root.dataset.theme = mode === "auto" ? system : mode;
  const width = Number(kept("code-width"));
  if (width) root.style.setProperty("--code-width", `${Math.min(width, innerWidth * 0.6)}px`);
  const asked = new URLSearchParams(location.search).get("predict");
  root.toggleAttribute("data-predict", asked === "1" || (asked !== "0" && kept("predict") === "on"));
}

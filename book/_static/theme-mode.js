// Before anything is drawn: the colours that the reader chose, or the system's.
{
  let mode = "auto";
  try {
    mode = localStorage.getItem("mode") || mode;
  } catch {
    // A browser may forbid storage; the system's colours do.
  }
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.mode = mode;
  document.documentElement.dataset.theme = mode === "auto" ? system : mode;
}

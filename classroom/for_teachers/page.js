// Sorts a table by the column whose heading is pressed; narrows the table of students by name or by message.
const language = document.getElementById(navigator.language.startsWith("zh") ? "zh" : "en");
if (language) language.checked = true;

const order = new Intl.Collator(document.documentElement.lang, { numeric: true });

function key(row, column) {
  const cell = row.cells[column];
  return cell.dataset.v ?? cell.textContent.trim();
}

function compare(a, b) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? order.compare(a, b) : difference;
}

function sort(heading) {
  const body = heading.closest("table").tBodies[0];
  const down = heading.ariaSort === "ascending";
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.ariaSort = down ? "descending" : "ascending";
  const column = heading.cellIndex;
  const rows = [...body.rows].map((row) => [key(row, column), row]);
  rows.sort(([a], [b]) => (a === "" || b === "" || !down ? compare(a, b) : compare(b, a)));
  body.append(...rows.map(([, row]) => row));
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sort(button.closest("th")));
}

const find = document.getElementById("find");
const having = document.getElementById("having");

function narrow() {
  const wanted = find.value.trim().toLowerCase();
  for (const row of document.getElementById("students").tBodies[0].rows) {
    const has = !having.value || (row.dataset.m ?? "").split(" ").includes(having.value);
    row.hidden = !has || !row.cells[0].textContent.toLowerCase().includes(wanted);
  }
}

if (find) {
  find.addEventListener("input", narrow);
  having.addEventListener("change", narrow);
}

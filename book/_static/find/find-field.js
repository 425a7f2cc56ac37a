// Search while one types, in every search field: what ranks sections is loaded at the first key (book/find/).

(() => {
const script = document.currentScript.src;
const FILES = [new URL("../../sections.js", script), new URL("../../../find/find.js", script)];
const root = new URL("../..", script);
const edition = document.querySelector(".language-switch [aria-current]")?.dataset.edition ?? "both";
const words = (zh, en) => ({ zh, en, both: `${zh} · ${en}` })[edition];
const onSearchPage = document.querySelector("#search-results");
const PAUSE = 60; // ms without a key: the next letter is then more than a keystroke away

let loading;
function load() {
  loading ??= Promise.all(FILES.map(loadScript)).then(() => globalThis.bookFind(globalThis.bookSections));
  loading.catch(() => { loading = undefined; });
  return loading;
}

function loadScript(address) {
  return new Promise((done, failed) => {
    const element = Object.assign(document.createElement("script"), { src: address, onload: done, onerror: failed });
    document.head.append(element);
  });
}

document.querySelectorAll("form.bd-search").forEach((form, number) => {
  const input = form.querySelector("input");
  const own = onSearchPage && !form.closest("dialog");
  own ? searchPage(form, input) : suggestions(form, input, `find-results-${number}`);
});

// ---- a list below the field

function suggestions(form, input, id) {
  const list = Object.assign(document.createElement("div"), { id, className: "find-results", role: "listbox", hidden: true });
  list.setAttribute("aria-label", words("搜索结果", "Results"));
  const status = Object.assign(document.createElement("p"), { className: "find-status", role: "status" });
  form.after(list, status);
  set(input, { role: "combobox", "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list" });

  let active = -1, answered = ""; // the query whose results are in the list
  let pasted = ""; // a class, with the ends of its lines, which a field for one line takes away
  input.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    pasted = /^[^\S\n]*class\s+\w+.*:[^\S\n]*$/m.test(text) && text.trim().split("\n").length > 2 ? text : "";
  });
  const isPasted = (query) => pasted && pasted.replace(/\s/g, "") === query.replace(/\s/g, "");
  const options = () => [...list.children];
  const close = () => { list.hidden = true; status.textContent = ""; move(-1); input.setAttribute("aria-expanded", "false"); };
  function move(to) {
    active = to;
    options().forEach((option, at) => option.setAttribute("aria-selected", at === active));
    const option = options()[active];
    option ? input.setAttribute("aria-activedescendant", option.id) : input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  const update = whileTyping(input, status, (found, query) => {
    answered = query;
    if (!query) return close();
    const links = found.map((result) => resultLink(result, query));
    if (isPasted(query)) links.unshift(annotateLink(pasted));
    links.forEach((link, at) => set(link, { id: `${id}-${at}`, role: "option", tabindex: "-1", "aria-selected": "false" }));
    list.replaceChildren(...links);
    list.hidden = !links.length;
    active = -1;
    input.setAttribute("aria-expanded", String(links.length > 0));
    input.removeAttribute("aria-activedescendant");
  });

  input.addEventListener("keydown", (event) => {
    const last = options().length - 1;
    if (event.key === "ArrowDown" && last >= 0) move(active < last ? active + 1 : 0);
    else if (event.key === "ArrowUp" && last >= 0) move(active > 0 ? active - 1 : last);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  // Esc closes the results first, then the field. The theme listens in the window, before the field itself, and a dialog
  // closes whatever became of the key.
  let escaped = false;
  addEventListener("keydown", (event) => {
    escaped = event.key === "Escape" && event.target === input && !list.hidden;
    if (!escaped) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    close();
  }, { capture: true });
  form.closest("dialog")?.addEventListener("cancel", (event) => {
    if (escaped) event.preventDefault();
    escaped = false;
  });
  // Enter opens what is chosen, else the best for what is there now; the page of results where nothing is found.
  form.addEventListener("submit", async (event) => {
    const query = input.value.trim();
    event.preventDefault();
    if (!query) return;
    if (answered !== query) await update();
    const option = answered === query && options()[Math.max(0, active)];
    if (option) option.click();
    else if (input.value.trim() === query) form.submit();
  });
  list.addEventListener("click", (event) => {
    if (!event.target.closest("a")) return;
    form.closest("dialog")?.close();
    close();
  });
}

// ---- search.html?q=…

function searchPage(form, input) {
  const status = Object.assign(document.createElement("p"), { className: "find-status", role: "status" });
  onSearchPage.before(status);
  const update = whileTyping(input, status, (found, query) => {
    const list = Object.assign(document.createElement("ul"), { className: "find-results search" });
    list.append(...found.map((result) => {
      const item = document.createElement("li");
      item.append(resultLink(result, query));
      return item;
    }));
    onSearchPage.replaceChildren(list);
    const address = new URL(location);
    query ? address.searchParams.set("q", query) : address.searchParams.delete("q");
    if (location.protocol !== "file:") history.replaceState(history.state, "", address);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); update(); });
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  input.focus();
  if (input.value) update();
}

// ---- both

function whileTyping(input, status, show) {
  let timer, latest = 0;
  const update = async () => {
    clearTimeout(timer);
    const query = input.value.trim();
    const turn = ++latest;
    if (!query) return show([], ""), (status.textContent = "");
    try {
      if (!globalThis.bookFind) status.textContent = words("正在载入…", "Loading…");
      const find = await load();
      if (turn !== latest) return;
      const found = find(query);
      show(found, query);
      status.textContent = found.length ? "" : words("没有找到。换个说法，或只写一个词试试。", "Nothing found. Try other words, or a single one.");
    } catch {
      status.textContent = words("搜索没能载入，请检查网络再试。", "The search could not be loaded: check the network and try again.");
    }
  };
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(update, PAUSE); });
  return update;
}

// To the page that explains any class, with this one.
function annotateLink(code) {
  const address = new URL(`book/annotate.html#paste=${encodeURIComponent(code)}`, root);
  const link = Object.assign(document.createElement("a"), { href: address, className: "find-result" });
  link.append(
    Object.assign(document.createElement("b"), { textContent: words("给这个类的每一行做注释", "Explain every line of this class") }),
    Object.assign(document.createElement("small"), { textContent: words("逐行注释你的类", "Your class, every line explained") }),
  );
  return link;
}

function resultLink({ address, title, isLine, page, sentence, lang }, query) {
  const link = Object.assign(document.createElement("a"), { href: new URL(address, root), className: "find-result" });
  const head = document.createElement(isLine ? "code" : "b");
  head.textContent = title;
  link.append(head);
  if (page !== title) link.append(Object.assign(document.createElement("small"), { textContent: page }));
  if (sentence) link.append(marked(sentence, query));
  if (lang) link.lang = lang === "zh" ? "zh-CN" : lang;
  return link;
}

// The sentence, from a little before the first word of the query that it has, with those words marked.
function marked(sentence, query) {
  const line = document.createElement("span");
  const parts = query.match(/\p{Script=Han}{2,}|[\p{L}\p{N}_.]{2,}/gu) ?? [];
  const pieces = parts.flatMap((part) => (/\p{Script=Han}/u.test(part) && part.length > 2
    ? [...part].slice(1).map((_, at) => part.slice(at, at + 2)) : [part]));
  const pattern = new RegExp(pieces.map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|") || "(?!)", "giu");
  const first = sentence.search(pattern);
  const from = first > 60 ? sentence.indexOf(" ", first - 50) + 1 || first - 30 : 0;
  const text = `${from ? "…" : ""}${sentence.slice(from, from + 160)}${sentence.length > from + 160 ? "…" : ""}`;
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    line.append(text.slice(end, match.index), Object.assign(document.createElement("mark"), { textContent: match[0] }));
    end = match.index + match[0].length;
  }
  line.append(text.slice(end));
  return line;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}
})();

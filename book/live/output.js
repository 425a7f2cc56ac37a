// Shows what a cell gives back: streams, results, figures, errors, in the edition's language.

import { AnsiUp } from "ansi_up";

import { inert } from "./inert.js";
import { places } from "./ways.js";

const OTHER = { zh: "en", en: "zh" };
const BILINGUAL_ATTRIBUTES = { alt: "data-alt", "aria-label": "data-label" };
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export class Output {
  /** `isInert`: what is shown does nothing, whoever made it. */
  constructor(place, edition, words, isInert = false) {
    Object.assign(this, { place, edition, words, isInert, displays: new Map(), clearing: false });
    place.replaceChildren();
  }

  /** Takes a message of the kernel's output channel. */
  take({ header: { msg_type: type }, content }) {
    if (type === "clear_output") {
      if (content.wait) this.clearing = true;
      else this.place.replaceChildren();
    } else if (type === "stream") this.stream(content);
    else if (type === "execute_result" || type === "display_data") this.display(content);
    else if (type === "update_display_data") this.update(content);
    else if (type === "error" && content.lacking) this.lack(content.lacking);
    else if (type === "error") this.fail(content);
  }

  add(element) {
    if (this.clearing) this.place.replaceChildren();
    this.clearing = false;
    this.place.append(element);
  }

  stream({ name, text }) {
    let block = this.clearing ? null : this.place.lastElementChild;
    if (block?.dataset.stream !== name) {
      block = terminal(name === "stderr" ? "stderr" : "stream");
      block.dataset.stream = name;
      block.text = "";
      this.add(block);
    }
    // A carriage return starts its line anew, as progress bars want.
    block.text = (block.text + text).replace(/\r+\n/g, "\n").replace(/^.*\r(?!$)/gm, "");
    block.firstChild.innerHTML = coloured(block.text);
  }

  display({ data, transient }) {
    const element = Object.assign(document.createElement("div"), { className: "output" });
    this.fill(element, data);
    if (transient?.display_id) this.displays.set(transient.display_id, element);
    this.add(element);
  }

  update({ data, transient }) {
    const element = this.displays.get(transient?.display_id);
    if (element) this.fill(element, data);
  }

  fail({ ename, evalue, traceback }) {
    this.error = ename;
    const block = terminal("traceback");
    block.firstChild.innerHTML = coloured(traceback.join("\n") || `${ename}: ${evalue}`);
    this.add(block);
  }

  /** What the kernel cannot do, in one sentence, and where it can be done. */
  lack({ zh, en }) {
    const said = Object.assign(document.createElement("p"), { className: "live-lacking", textContent: this.words(zh, en) });
    said.innerHTML = said.innerHTML.replace(/`([^`]+)`/g, "<code>$1</code>");
    said.append(" ", ...places(this.words, this.edition));
    this.add(said);
  }

  fill(element, data) {
    const { edition } = this;
    const text = (type) => [data[type]].flat().join("");
    const html = (markup) => (this.isInert ? element.append(inert(markup)) : (element.innerHTML = markup));
    const picture = PICTURES.find((type) => data[type]);
    element.replaceChildren();
    if (data["text/html"]) {
      element.classList.add("text_html");
      html(text("text/html")); // scripts in it don't run
    } else if (data["image/svg+xml"]) {
      html(text("image/svg+xml").replace(/^[^]*?(?=<svg)/, ""));
    } else if (picture) {
      const alt = { zh: "这一格画的图", en: "The figure that this cell drew" };
      const words = edition === "both" ? `${alt.zh} / ${alt.en}` : alt[edition];
      element.append(Object.assign(new Image(), { src: `data:${picture};base64,${text(picture).replace(/\s/g, "")}`, alt: words }));
    } else {
      element.append(terminal("text_plain"));
      element.firstChild.firstChild.innerHTML = coloured(text("text/plain") || Object.values(data).map(String).join("\n"));
    }
    keepLanguage(element, edition);
    useOwnNames(element);
  }
}

let named = 0;

/** What refers to a part of its drawing, as an arrow to its tip, would find that of a printed one, which is hidden. */
function useOwnNames(root) {
  const own = (name) => `live-${named}-${name}`;
  named += 1;
  for (const part of root.querySelectorAll("svg [id]")) part.id = own(part.id);
  for (const part of root.querySelectorAll("svg *")) {
    for (const attribute of part.attributes) attribute.value = attribute.value.replace(/^url\(#([\w-]+)\)$/, (_, name) => `url(#${own(name)})`);
  }
}

/** The rule of book/_ext/editions/outputs.py, for outputs that are made here. */
function keepLanguage(root, edition) {
  const other = OTHER[edition];
  if (other) for (const element of root.querySelectorAll(`[lang="${other}"]:not([data-language="${other}"] *)`)) element.remove();
  for (const [attribute, data] of Object.entries(BILINGUAL_ATTRIBUTES)) {
    for (const element of root.querySelectorAll(`[${data}-zh][${data}-en]`)) {
      const [zh, en] = [element.getAttribute(`${data}-zh`), element.getAttribute(`${data}-en`)];
      element.setAttribute(attribute, { zh, en, both: zh === en ? zh : `${zh} / ${en}` }[edition]);
      element.removeAttribute(`${data}-zh`);
      element.removeAttribute(`${data}-en`);
    }
  }
}

function terminal(kind) {
  const block = Object.assign(document.createElement("div"), { className: `output ${kind} highlight` });
  block.append(document.createElement("pre"));
  return block;
}

function coloured(text) {
  const ansi = new AnsiUp();
  ansi.use_classes = true;
  ansi.url_allowlist = {};
  return ansi.ansi_to_html(text);
}

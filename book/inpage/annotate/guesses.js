// How the class is built and what it is fed: guessed by the page, shown to be changed.
import { element } from "../page/element.js";
import { words } from "../page/words.js";

// `again(settings)`: the reader wants it run with these. `picture`: the element by which they bring one.
export function guesses({ again, picture }) {
  const fields = element("div", { className: "an-fields" });
  const rerun = element("button", { type: "submit", textContent: words("照这样再运行", "Run again with these") });
  const form = element("form", { className: "an-guesses" },
    element("h2", { textContent: words("这样建、这样喂", "How it was built and fed") }), fields, rerun, picture);
  let read = () => ({}), wished = false;
  form.onsubmit = (event) => {
    event.preventDefault();
    again(read());
  };

  // What is fed is guessed anew for other arguments, until the reader has said what it should be.
  function wishes(fed) {
    wished ||= fed.some((one) => one.isChanged());
    return wished ? { inputs: fed.map((one) => one.value()) } : {};
  }

  function show({ classes, chosen, arguments: values, inputs }) {
    const kind = classes.length > 1 && select(words("类", "Class"), classes, chosen);
    const given = Object.entries(values).map(([name, text]) => [name, field(name, text, true)]);
    const fed = inputs.map((shape, at) => field(labelOf(shape, at + 1), textOf(shape)));
    fields.replaceChildren(...[kind, ...given.map(([, one]) => one), ...fed].filter(Boolean).map(({ box }) => box));
    form.hidden = !fields.children.length;
    read = () => ({
      class: kind ? kind.value() : chosen,
      arguments: kind && kind.value() !== chosen ? {} : Object.fromEntries(given.map(([name, one]) => [name, one.value()])),
      ...(kind && kind.value() !== chosen ? {} : wishes(fed)),
    });
  }

  return { form, show };
}

const isList = (shape) => Array.isArray(shape[0]);

const labelOf = (shape, place) =>
  isList(shape)
    ? words(`第 ${place} 个输入是列表，各张量的形状`, `Shapes of input ${place}, a list`)
    : words(`第 ${place} 个输入的形状`, `Shape of input ${place}`);

const textOf = (shape) => (isList(shape) ? shape.map(textOf).join("; ") : shape.join(", "));

let made = 0;

function field(label, value, isCode = false) {
  const input = element("input", { id: `annotate-field-${(made += 1)}`, type: "text", value, defaultValue: value, spellcheck: false, autocapitalize: "off" });
  return { box: labelled(input, isCode ? element("code", { textContent: label }) : label), value: () => input.value, isChanged: () => input.value !== input.defaultValue };
}

function select(label, options, chosen) {
  const input = element("select", { id: `annotate-field-${(made += 1)}` }, ...options.map((one) => element("option", { value: one, textContent: one })));
  input.value = chosen;
  return { box: labelled(input, label), value: () => input.value };
}

function labelled(input, label) {
  return element("div", { className: "an-field" }, element("label", { for: input.id }, label), input);
}

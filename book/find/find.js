// The site's search: sections of the book, best first, for a question, a line of code, a class or an error message.
// Needs globalThis.bookSections (book/_ext/section_index.py); sets globalThis.bookFind.
import MiniSearch from "minisearch";
import { agreement, isCode, isPart, likeness, spellings } from "./code.js";
import { askedFor, meanings, terms } from "./words.js";

const ERROR = /\b\w*(?:Error|Exception|Warning)\b|Expected |Given groups|must match|size mismatch|Missing key|Could not run/;
const RETURNS = 2.4; // against 3 for the chapter that explains a line, for a later one that comes back to it
const WEIGHTS = { title: 4, asked: 3, titleMeaning: 4, meaning: 1.5, first: 2, text: 1, code: 0.5, said: 0.5, page: 0.3 };

function finder({ same, pages }) {
  const meaning = meanings(same);
  const documents = pages.flatMap((page, order) =>
    page.sections.map((section, place) => ({ ...section, page, order, place, id: `${page.address}#${section.anchor}` })),
  );
  const signs = (text, forgiving) => meaning(text, forgiving).map(({ number }) => `§${number}`).join(" ");
  const known = new Map(documents.map((document) => [document.id, document]));
  const lines = documents.filter(({ line }) => line).map((document) => ({ document, line: spellings(document.line) }));
  const index = new MiniSearch({
    fields: Object.keys(WEIGHTS),
    extractField: (document, field) => {
      if (field === "titleMeaning") return signs(document.title);
      if (field === "meaning") return signs(`${document.title}\n${document.text}`);
      if (field === "first") return document.text?.split("\n")[0] ?? "";
      if (field === "page") return document.page?.title ?? "";
      return document[field];
    },
    tokenize: (text) => (text.startsWith("§") ? text.split(" ") : terms(text)),
    processTerm: (term) => term,
  });
  index.addAll(documents);

  return (query, most = 10) => {
    const found = new Map();
    const add = (document, score) => found.set(document.id, (found.get(document.id) ?? 0) + score);
    byWords(query).forEach(({ id, score }) => add(known.get(id), score));
    const best = Math.max(1, ...found.values());
    byMeaning(query).forEach(({ document, share }) => add(document, best * share));
    if (isCode(query)) byCode(query).forEach(({ document, share }) => add(document, best * share));
    return [...found]
      .map(([id, score]) => ({ document: known.get(id), score }))
      .sort((one, other) => other.score - one.score || one.document.order - other.document.order)
      .slice(0, most)
      .map(({ document }) => shown(document, query));
  };

  function byWords(query) {
    const asked = ERROR.test(query) ? query.replace(/\d+/g, " ") : query;
    const all = terms(asked);
    const wanted = all.filter(askedFor);
    const words = [...new Set(wanted.length ? wanted : all)];
    const concepts = new Set(signs(asked, true).split(" ").filter(Boolean));
    if (!words.length && !concepts.size) return [];
    const asked_for = [...words, ...concepts];
    return index.search(asked_for.join(" "), {
      tokenize: (text) => text.split(" "),
      boost: ERROR.test(query) ? { ...WEIGHTS, said: 6 } : WEIGHTS,
      combineWith: "OR",
      prefix: (term, at, list) => at === words.length - 1 && list.length > 0 && /^[a-z_]{3,}/.test(term),
      fuzzy: (term) => (/^[a-z]{4,}$/.test(term) ? 1 : false),
      weights: { fuzzy: 0.3, prefix: 0.4 },
      boostDocument: (id) => kind(known.get(id)),
    }).map((result) => ({ ...result, score: result.score * (0.4 + 0.6 * (result.queryTerms.length / asked_for.length)) }));
  }

  // Where a meaning is explained, the more so the less else the query asks for.
  function byMeaning(query) {
    const asked = new Set(terms(query).filter(askedFor));
    return meaning(query, true).flatMap(({ number, word, typed }) => {
      const document = known.get(same[number].explained?.replace("#", ".html#"));
      const own = terms(typed ?? word).filter((term) => asked.has(term)).length;
      return document ? [{ document, share: (1.6 * own ** 2) / Math.max(1, asked.size) ** 2 }] : [];
    });
  }

  // Lines within the query; where there are many it is a class, and its chapter is meant.
  function byCode(query) {
    const asked = spellings(query);
    const met = lines
      .map(({ document, line }) => ({ document, level: agreement(asked, line), length: line[0].length }))
      .filter(({ level }) => level);
    const exact = met.filter(({ level, length }) => level === 3 && length > 3);
    if (new Set(exact.map(({ document }) => document.line)).size >= 4) return byClass(query, exact);
    if (!met.length) {
      return lines.map(({ document, line }) => ({
        document, share: isPart(asked, line) ? 2 : likeness(asked, line) > 0.4 ? 3 * likeness(asked, line) : 0,
      })).filter(({ share }) => share);
    }
    const longest = Math.max(0, ...met.map(({ level, length }) => level * 100 + length));
    const first = new Map(met.map(({ document }) => [document.line, document.page]).reverse());
    return met.map(({ document, level, length }) => ({
      document, share: ((first.get(document.line) === document.page ? 3 : RETURNS) * (level * 100 + length)) / longest,
    }));
  }

  // The class of whose lines the most are there; of a whole class the chapter that begins it, else the one that has most.
  function byClass(query, met) {
    const groups = new Map();
    for (const page of pages) {
      const subject = page.subjects.find((name) => /:[A-Z]/.test(name));
      if (subject) groups.set(subject, [...(groups.get(subject) ?? []), page]);
    }
    const linesOf = (found, chapters) =>
      new Set(found.filter(({ document }) => chapters.includes(document.page)).map(({ document }) => document.line)).size;
    const chapters = [...groups.values()]
      .map((chapters) => ({ chapters, share: linesOf(met, chapters) / linesOf(lines, chapters) }))
      .reduce((one, other) => (other.share > one.share ? other : one)).chapters;
    const page = /\bclass\s+\w+/.test(query)
      ? chapters[0]
      : chapters.reduce((one, other) => (linesOf(met, [other]) > linesOf(met, [one]) ? other : one));
    return [{ document: documents.find((document) => document.page === page), share: 6 }];
  }
}

// Explanations before exercises, and what is read before what is for teachers and hosts.
function kind({ page, level }) {
  if (page.address.startsWith("assignments/")) return 0.4;
  if (page.address.startsWith("notebooks/")) return level ? 1.1 : 0.8;
  return page.address.startsWith("book/index") ? 0.6 : 0.9;
}

function shown(document, query) {
  const words = terms(query).filter(askedFor);
  const sentences = (document.text || document.code || "").split(/\n|(?<=[。！？])|(?<=[.!?]) /).filter(Boolean);
  const scored = sentences.map((sentence) => {
    const own = new Set(terms(sentence));
    return { sentence, score: words.filter((word) => own.has(word)).length };
  });
  const best = scored.reduce((one, other) => (other.score > one.score ? other : one), { sentence: sentences[0] ?? "", score: 0 });
  const { page, anchor, title, line, lang, level } = document;
  return {
    address: level ? `${page.address}#${anchor}` : page.address,
    title, isLine: Boolean(line), page: page.title, sentence: best.sentence, lang,
  };
}

globalThis.bookFind = finder;

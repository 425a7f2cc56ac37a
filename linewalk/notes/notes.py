"""What `annotate` gives back: each line with its words, as code, as text for a terminal, as a page, as a notebook."""

import html
import re
import textwrap
import unicodedata
from functools import cached_property
from importlib.resources import files

from ..errors import Bilingual
from .sections import TITLE, book_address, first_mentions

_LANGUAGES = {"zh": ("zh",), "en": ("en",), "both": ("zh", "en")}
_WIDTH = 100


class Notes:
    """A class, line by line, in words.

    `notes` in a notebook shows code and words side by side, `print(notes)` prints them.

    lines: `Line`s of the class in the order of its source; helpers: [(name, lines)] of functions outside
        it that it uses.
    findings: `Bilingual`s of what often goes wrong and did here, each proven by the run.
    remarks: `Bilingual`s about the whole: what was not run, and why.
    init, forward: the `Trail`s behind the notes, None where there was no such run; error: what forward raised, or None.
    """

    def __init__(self, reading, lines, helpers, findings, remarks, language):
        self._reading = reading
        self._language = language
        self.lines = lines
        self.helpers = helpers
        self.findings = findings
        self.remarks = remarks
        self.init = reading.init and reading.init.trail
        self.forward = reading.forward and reading.forward.trail
        self.error = (reading.forward and reading.forward.error) or (reading.init and reading.init.error)

    @property
    def name(self):
        return self._reading.cls.__name__

    def code(self):
        """The source of the class, and of the helpers of its file, with a comment above every line: Python that runs.

        Executed among the original module's globals it defines a class that computes the same.
        """
        parts = [self._commented(entry_lines, source, first) for source, first, entry_lines in self._chunks]
        return "\n".join([*self._head, "\n\n".join(parts)]) + "\n"

    @property
    def _head(self):
        """What is said of the whole, as comments."""
        head = [comment for words in (*self.remarks, *self.findings) for comment in self._comments([words], 0)]
        return [*head, ""] if head else []

    def in_file(self, text):
        """The text of the file that the class stands in, with the comments in their places."""
        lines = text.split("\n")
        for source, first, entry_lines in sorted(self._chunks, key=lambda chunk: -chunk[1]):
            commented = self._commented(entry_lines, source, first)
            lines[first - 1 : first - 1 + len(source)] = commented.split("\n")
        return "\n".join([*self._head, "\n".join(lines).strip("\n")]) + "\n"

    def markdown(self):
        """The same as Markdown: each line of code, its words below it."""
        parts = [f"# `{self.name}`", *self._notices()]
        for title, lines in self._sections:
            if title:
                parts.append(f"## `{title}`")
            for line in lines:
                parts.append(f"```python\n{self._dedented(line)}\n```")
                parts += [self._paragraph(line, language) for language in self._languages]
        return "\n\n".join([*parts, *self._which_book().values()]) + "\n"

    def notebook(self):
        """The same as a Jupyter notebook, a dictionary for `json.dump`: headings, words, and the code to run."""
        cells = [_cell("markdown", f"# `{self.name}`")]
        cells += [_cell("markdown", text) for text in self._notices()]
        for _, lines in self._sections:
            for line in lines:
                cells.append(_cell("markdown", f"### `{line.text}`"))
                cells += [_cell("markdown", self._paragraph(line, language), language) for language in self._languages]
        cells += [_cell("markdown", text, language) for language, text in self._which_book().items()]
        cells.append(_cell("code", self.code().rstrip("\n")))
        for number, cell in enumerate(cells):
            cell["id"] = f"line-{number}"
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}

    def html(self, cards=True):
        """The same as a whole HTML page that asks nothing of any host: code on the left, words on the right.

        cards: whether each line has its card with it, which takes what draws them.
        """
        language = "zh" if self._language != "en" else "en"
        return (
            f'<!doctype html>\n<html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" '
            f'content="light dark"><title>{html.escape(self.name)}</title>'
            "<style>body{margin:1.5em auto;max-width:80em;padding:0 1em;font-family:system-ui,sans-serif}</style>"
            "</head>"
            f"<body><h1><code>{html.escape(self.name)}</code></h1>{self._body(cards)}</body></html>\n"
        )

    def _repr_html_(self):
        return self._body(cards=True)

    def __str__(self):
        parts = [text for words in (*self.remarks, *self.findings) for text in self._pick(words)]
        for _, lines in self._sections:
            for line in lines:
                parts.append(f"{line.first:>4}  {' ' * line.depth}{line.text}")
                for language in self._languages:
                    for is_item, text in _paragraphs(self._visible(line), language):
                        parts += _wrapped(("- " if is_item else "") + text, " " * (line.depth + 8))
        return "\n".join(parts)

    def __repr__(self):
        return f"<Notes on {self.name}: {len(self.lines)} lines, {len(self.findings)} findings>"

    # picking

    @property
    def _languages(self):
        return _LANGUAGES[self._language]

    def _pick(self, words):
        return [_text(words, language) for language in self._languages]

    def _visible(self, line):
        return [s for s in line.sentences if not s.behind]

    def _behind(self, line, language):
        return [_text(s, language) for s in line.sentences if s.behind]

    @cached_property
    def _sections(self):
        return [("", self.lines), *self.helpers]

    @cached_property
    def _explained(self):
        return first_mentions([line for _, lines in self._sections for line in lines])

    @cached_property
    def _chunks(self):
        """(source lines, number of the first one, the notes) of what has to be defined, helpers first."""
        chunks = []
        for (_, lines), entry in zip(self.helpers, self._helper_entries, strict=True):
            if entry.function.__globals__ is _globals_of(self._reading) and "." not in entry.function.__qualname__:
                chunks.append((list(entry.lines), entry.first, lines))
        node = self._reading.node
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        chunks.append((self._reading.lines[first - 1 : node.end_lineno], first, self.lines))
        return chunks

    @property
    def _helper_entries(self):
        told = {name for name, _ in self.helpers}
        return [entry for entry in self._reading.helpers if entry.name in told]

    # code

    def _commented(self, lines, source, first):
        notes, out = {}, []
        for line in lines:  # two may stand in one line, with a semicolon between them
            notes.setdefault(line.first, []).append(line)
        for number, text in enumerate(source, first):
            for language in self._languages:
                for line in notes.get(number, ()):
                    out += self._comment_block(self._visible(line), line.depth, language)
            out.append(text.rstrip("\n"))
        return textwrap.dedent("\n".join(out))

    def _comments(self, words, depth):
        return [line for language in self._languages for line in self._comment_block(words, depth, language)]

    def _comment_block(self, said, depth, language):
        prefix = " " * depth + "# "
        return [
            line
            for is_item, text in _paragraphs(said, language)
            for line in _wrapped(("- " if is_item else "") + text, prefix)
        ]

    def _dedented(self, line):
        source = self._source_of(line)
        return textwrap.dedent("\n".join(text.rstrip("\n") for text in source))

    def _source_of(self, line):
        for source, first, lines in self._all_chunks:
            if any(other is line for other in lines):
                return source[line.first - first : line.last - first + 1]
        return [line.text]

    @cached_property
    def _all_chunks(self):
        chunks = list(self._chunks)
        known = {first for _, first, _ in chunks}
        for (_, lines), entry in zip(self.helpers, self._helper_entries, strict=True):
            if entry.first not in known:
                chunks.append((list(entry.lines), entry.first, lines))
        return chunks

    # prose

    def _notices(self):
        said = []
        for words in (*self.remarks, *self.findings):
            said += [f"> {text}" for text in self._pick(words)]
        return said

    def _paragraph(self, line, language):
        parts = [f"- {text}" if is_item else text for is_item, text in _paragraphs(self._visible(line), language)]
        behind = self._behind(line, language)
        if behind:
            more = Bilingual("更多", "More")
            inside = _joined(behind, language)
            parts.append(f"<details><summary>{getattr(more, language)}</summary>\n\n{inside}\n\n</details>")
        if explained := self._explained[id(line)]:
            parts.append("→ " + " · ".join(_markdown_link(one, language) for one in explained))
        return "\n\n".join(part for part in parts if part)

    def _which_book(self):
        """Language → a sentence on what the chapters are chapters of; empty where none is named."""
        if not any(self._explained.values()):
            return {}
        titles = {"zh": f"《{TITLE.zh}》", "en": f"“{TITLE.en}”"}
        if site := book_address():
            titles = {language: f"[{title}]({site}{language}/)" for language, title in titles.items()}
        said = Bilingual(f"上面的章节出自{titles['zh']}。", f"The chapters are those of {titles['en']}.")
        return {language: getattr(said, language) for language in self._languages}

    # page

    def _body(self, cards):
        rows = []
        if self.remarks or self.findings:
            items = "".join(f"<li>{self._words_html(words)}</li>" for words in (*self.findings, *self.remarks))
            rows.append(f'<ul class="lw-findings">{items}</ul>')
        for title, lines in self._sections:
            if title:
                rows.append(f'<h3 class="lw-of"><code>{html.escape(title)}</code></h3>')
            rows += [self._row(line, cards) for line in lines]
        for language, text in self._which_book().items():
            rows.append(f'<p class="lw-book" lang="{language}">{_linked_html(text)}</p>')
        style = files(__package__).joinpath("notes.css").read_text(encoding="utf-8").replace("\n", "")
        return f'<div class="lw-notes" data-language="{self._language}"><style>{style}</style>{"".join(rows)}</div>'

    def _row(self, line, cards):
        code = "".join(_code_line(text.rstrip("\n")) for text in self._source_of(line))
        words = "".join(
            f'<div lang="{language}">{self.line_html(line, language)}</div>' for language in self._languages
        )
        card = self._card(line) if cards else ""
        missed = " lw-missed" if line.ran == 0 else ""
        return (
            f'<div class="lw-line{missed}" id="lw-line-{line.first}"><pre><b>{line.first}</b><code>'
            f"{code}</code></pre><div class=lw-words>{words}{card}</div></div>"
        )

    def line_html(self, line, language):
        """What is said of one of the `Line`s, in one language, as HTML."""
        shown = _as_html(self._visible(line), language)
        behind = self._behind(line, language)
        if behind:
            more = Bilingual("更多", "more")
            shown += (
                f"<details><summary>{getattr(more, language)}</summary>"
                f"<p>{_code_html(_joined(behind, language))}</p></details>"
            )
        if explained := self._explained[id(line)]:
            shown += f'<p class="lw-book">{" · ".join(one.link(language) for one in explained)}</p>'
        return shown

    def _card(self, line):
        if not line.steps or (line.steps[0].error is not None and line.steps[0].trail.kind == "init"):
            return ""
        try:
            from ..draw import card
        except ImportError:  # where nothing is installed that draws, the words stand alone
            return ""
        words = Bilingual("卡片：形状、特征图、计算图", "card: shapes, maps, graph")
        try:
            drawn = card(line.steps[0])
        except Exception:  # a value that cannot be drawn leaves its line in words
            return ""
        return f'<details class="lw-behind"><summary>{self._words_html(words)}</summary>{drawn}</details>'

    def _words_html(self, words):
        return " ".join(f'<span lang="{lang}">{_code_html(_text(words, lang))}</span>' for lang in self._languages)


def _globals_of(reading):
    for entry in reading.functions.values():
        return entry.function.__globals__
    return None


def _cell(kind, source, language=None):
    cell = {"cell_type": kind, "metadata": {"lang": language} if language else {}, "source": source}
    return cell | {"outputs": [], "execution_count": None} if kind == "code" else cell


def _text(words, language):
    """What is said in one language, on one line: an exception's own words may have many, and what no file takes."""
    text = "".join(letter if letter.isprintable() else " " for letter in getattr(words, language))
    return re.sub(r" {2,}", " ", text)


def _joined(texts, language):
    return ("" if language == "zh" else " ").join(texts)


def _paragraphs(sentences, language):
    """[(whether it is one of several parts, text)]: sentences that follow each other run together, parts stay apart."""
    out = []
    for sentence in sentences:
        text, is_item = _text(sentence, language), getattr(sentence, "item", False)
        if not is_item and out and not out[-1][0]:
            out[-1] = (False, _joined([out[-1][1], text], language))
        else:
            out.append((is_item, text))
    return out


def _as_html(sentences, language):
    html_text = "".join(
        f"<li>{_code_html(text)}</li>" if is_item else f"<p>{_code_html(text)}</p>"
        for is_item, text in _paragraphs(sentences, language)
    )
    return re.sub(r"((?:<li>.*?</li>)+)", r"<ol>\1</ol>", html_text)


def _code_line(text):
    """A line of source that, where it is too long for its column, goes on deeper than it began."""
    text = text.expandtabs()
    depth = len(text) - len(text.lstrip())
    return f'<span style="--d:{depth}">{html.escape(text)}</span>'


def _markdown_link(section, language):
    words, address = section.words(language), section.address(language)
    return f"[{words}]({address})" if address else words


def _linked_html(text):
    return re.sub(r"\[([^]]+)\]\(([^)]+)\)", r'<a href="\2">\1</a>', html.escape(text))


def _code_html(text):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def _wrapped(text, prefix):
    """`text` in lines of at most `_WIDTH` columns, Chinese characters counted as two; no word is cut."""
    lines, current, width = [], "", len(prefix)
    for piece in re.findall(
        r"`[^`]*`[，。：；、）]*|[^\s\u3000-\u9fff\uff00-\uffef`]+[，。：；、）”]*|[\u3000-\u9fff\uff00-\uffef][，。：；、）”]*|\s+",
        text,
    ):
        size = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in piece)
        if width + size > _WIDTH and current.strip():
            lines.append(prefix + current.rstrip())
            current, width = "", len(prefix)
            if piece.isspace():
                continue
        current += piece
        width += size
    return [*lines, prefix + current.rstrip()] if current.strip() else lines

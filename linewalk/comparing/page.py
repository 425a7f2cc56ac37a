"""A `Comparison` as a notebook shows it: two listings side by side, and what the lines made."""

import re
from functools import cache
from html import escape
from importlib.resources import files
from itertools import groupby

from ..errors import Bilingual
from .comparison import verdicts_on

_FOLDED = 3  # so many equal lines in a row, and more, open when somebody asks for them
_MARKS = {"same": "", "changed": "≠", "moved": "↕", "only": "≠"}
_MOVED = Bilingual("换了地方", "elsewhere")


def page(comparison):
    """The comparison as HTML, a string: no script, its own small style sheet, words in both languages."""
    said = "".join(f"<li>{sentence.html()}</li>" for sentence in comparison.sentences)
    parts = "".join(_part(part, lines, comparison) for part, lines in comparison.lines.items() if lines)
    names = "".join(
        f"<div class=lw-side><b>{side}</b><code>{escape(name)}</code></div>"
        for side, name in zip("ab", comparison.names, strict=True)
    )
    return (
        f'<div class="lw-compare"><style>{_style()}</style><ul class="lw-said">{said}</ul>'
        f'<div class="lw-row lw-names">{names}</div>{parts}</div>'
    )


def _part(part, lines, comparison):
    rows = []
    for equal, run in groupby(lines, lambda line: _is_quiet(line, comparison)):
        run = list(run)
        drawn = "".join(_row(line, comparison) for line in run)
        rows.append(_folded(run, drawn) if equal and len(run) >= _FOLDED else drawn)
    return f'<div class="lw-part"><code>{part}</code></div>{"".join(rows)}'


def _is_quiet(line, comparison):
    """Whether nothing about a line differs, neither its text nor what it made."""
    return line.kind == "same" and not any(
        pair.shapes_differ or pair.values_differ or pair.a.in_place != pair.b.in_place
        for pair in comparison.of_line(line)
    )


def _folded(run, drawn):
    words = Bilingual(f"{len(run)} 行，两边相同", f"{len(run)} lines, equal on both sides")
    return f"<details><summary>{words.html()}</summary>{drawn}</details>"


def _row(line, comparison):
    sides = "".join(map(_side, "ab", (line.a, line.b), line.depths))
    pairs = comparison.of_line(line)
    words = [_MOVED.html()] if line.kind == "moved" else []
    words += [made if alike is None else f"{made} {alike.html()}" for made, alike in verdicts_on(pairs)]
    made = "".join(f"<p>{said}</p>" for said in words)
    other = " lw-other" if any(pair.shapes_differ or pair.values_differ for pair in pairs) else ""
    return (
        f'<div class="lw-row lw-{line.kind}{other}">{sides}'
        f'<div class=lw-made><i>{_MARKS[line.kind]}</i>{made}</div></div>'
    )


def _side(side, statement, depth):
    if statement is None:
        return '<div class="lw-side lw-none"></div>'
    code = re.sub(r"(?<=[(\[{])(?=[^)\]}])", "<wbr>", escape(statement.text))  # where a long line may break
    return f'<div class=lw-side style="--depth:{depth}"><b>{side}</b><code>{code}</code></div>'


@cache
def _style():
    return files(__package__).joinpath("compare.css").read_text(encoding="utf-8").replace("\n", "")

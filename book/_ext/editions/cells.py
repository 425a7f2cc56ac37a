"""Picks the cells of an edition from a notebook, or the blocks of an edition from a Markdown page."""

import json
import re

import nbformat
from nbformat.v4 import new_markdown_cell

from .anchors import code_anchor, prose_anchor

HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*")
BLOCK_BREAK = re.compile(r"^\+\+\+[ \t]*(\{.*\})?[ \t]*$", re.MULTILINE)


def pick_source(app, docname, source):
    """At `source-read`: leaves in `source` what the edition shows, and in the environment its sections' anchors."""
    if str(app.env.doc2path(docname)).endswith(".ipynb"):
        notebook = nbformat.reads(source[0], as_version=4)
        notebook.cells, anchors = pick(notebook.cells, app.config.edition)
        source[0] = nbformat.writes(notebook)
    else:
        blocks, anchors = pick(markdown_blocks(source[0]), app.config.edition)
        source[0] = "\n\n".join(block.source for block in blocks)
    app.env.temp_data["edition_anchors"] = anchors


def pick(cells, edition):
    """Returns the cells that `edition` shows, and the anchor of each heading among them, in order."""
    picked, anchors = [], []
    for zh, en in twins(cells):
        shared = zh is en
        first_words = heading((en or zh).source) if (en or zh).cell_type == "markdown" else None
        if shared:
            picked.append(zh)
        elif edition == "both":
            picked.append(side_by_side(zh, en))
        elif cell := {"zh": zh, "en": en}[edition]:
            picked.append(cell)
        else:
            continue
        if first_words:
            anchors.append((code_anchor if shared else prose_anchor)(first_words))
    return picked, anchors


def what_is_picked(text, suffix, edition):
    """What `pick_source` makes of a source, as data that tells it from another: its other cells may change."""
    if suffix == ".ipynb":
        notebook = nbformat.v4.reads(text)
        cells, rest = notebook.cells, notebook.metadata
    else:
        cells, rest = markdown_blocks(text), {}
    picked = []
    for zh, en in twins(cells):
        shown = [cell for lang, cell in (("zh", zh), ("en", en)) if cell and (zh is en or edition in (lang, "both"))]
        picked.append([shown, shown and heading((en or zh).source)])
    return json.dumps([picked, rest])


def twins(cells):
    """Yields (zh, en) for each pair of twins; for a cell without language that cell twice; None for a missing twin."""
    waiting = None
    for cell in cells:
        lang = cell.metadata.get("lang")
        if waiting is not None:
            yield waiting, cell if lang == "en" else None
            waiting = None
            if lang == "en":
                continue
        if lang == "zh":
            waiting = cell
        elif lang == "en":
            yield None, cell
        else:
            yield cell, cell
    if waiting is not None:
        yield waiting, None


def heading(text):
    """Returns the words of the heading that `text` consists of, else None."""
    match = HEADING.fullmatch(text.strip())
    return match and match[2]


def side_by_side(zh, en):
    if zh is None or en is None:
        return new_markdown_cell("\n".join(in_language(cell, lang) for cell, lang in ((zh, "zh"), (en, "en")) if cell))
    words = heading(zh.source), heading(en.source)
    if all(words):
        level = HEADING.fullmatch(zh.source.strip())[1]
        return new_markdown_cell(f"{level} [{words[0]}]{{.language-zh}} · [{words[1]}]{{.language-en}}")
    return new_markdown_cell(f"{fence(10)}{{div}} twins\n{in_language(zh, 'zh')}\n{in_language(en, 'en')}\n{fence(10)}")


def in_language(cell, lang):
    # docutils writes the class `language-xx` as the attribute lang="xx".
    return f"{fence(9)}{{div}} language-{lang}\n{cell.source}\n{fence(9)}"


def fence(length):
    """A colon fence, long enough for the fences that prose itself may hold."""
    return ":" * length


def markdown_blocks(text):
    """Splits a page at its `+++ {"lang": "zh"}` lines into cells as a notebook has them."""
    parts = BLOCK_BREAK.split(text)
    found = [("{}", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]
    return nbformat.from_dict([
        {"cell_type": "markdown", "metadata": json.loads(metadata or "{}"), "source": body.strip("\n")}
        for metadata, body in found if body.strip("\n")
    ])

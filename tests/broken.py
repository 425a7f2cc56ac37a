"""Broken notebooks, made from a good one by a seeded generator: broken(good, seed) is always the same bytes."""

import base64
import json
import random

ODD_TEXTS = [
    "",
    " ",
    "\0",
    "\ud800",
    "\udfff\ud800",
    "\u202e反",
    "\ufeff",
    "\u2028",
    "e" + "\u0301" * 500,
    "🙂" * 300,
    "\x1b[31m",
    "\r\r\n",
    "a" + " " * 30_000 + "b",
    "[" * 9000,
    "*a" * 9000,
    "> " * 3000,
    "\\\\[" * 9000,
    "$" * 9001,
    "`" * 9001,
    "<b>" * 3000,
    "<script>alert(1)</script>",
    "![a](attachment:a.png)",
    "![a](attachment:)",
    "{{ x }}{% raw %}",
    "$$\\begin{a}$$",
    "| a | b |\n" * 900,
    "    " * 900 + "x",
    "- " * 900,
    "%%html\n<b>",
    "%" * 900,
    "!rm",
    "?" * 900,
    " \n" * 9000,
    "### BEGIN HIDDEN TESTS\n" * 200,
    "=== BEGIN MARK SCHEME ===",
    "'" * 901,
    "(" * 901,
    "x = 1\n" * 3000,
    "NaN",
    "../../x",
]
ODD_VALUES = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    10**30,
    [],
    {},
    [[]],
    [None, 1, "x"],
    {"": ""},
    "x",
    ["a", 1, None],
    {"grade_id": None},
    {"nbgrader": []},
    {"cells": []},
    [{"cell_type": "code"}],
]
FIELDS = [
    "cell_type",
    "source",
    "metadata",
    "outputs",
    "execution_count",
    "attachments",
    "id",
    "nbgrader",
    "grade_id",
    "points",
    "cells",
    "nbformat",
    "nbformat_minor",
    "kernelspec",
    "language_info",
    "edition",
    "lang",
    "name",
    "worksheets",
    "level",
    "input",
    "tags",
]


def broken(good, seed):
    """good: a notebook as JSON holds it. About half of what comes out can be read: what it holds is odd."""
    dice = random.Random(seed)
    notebook = json.loads(json.dumps(good))
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        dice.choice(CHANGES)(dice, notebook)
    text = json.dumps(notebook, ensure_ascii=dice.random() < 0.5, indent=dice.choice((None, 1)))
    if dice.random() < 0.05:
        text = text.replace("\n", "\r\n")
    if dice.random() < 0.1:
        text = text.replace('"cells"', dice.choice(DAMAGES)(dice) + '"cells"', 1)
    encoding = dice.choice(("utf-8",) * 12 + ("utf-8-sig", "utf-16", "utf-16-be", "utf-32", "gb18030"))
    content = text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")
    return dice.choice((whole,) * 8 + (cut, scratched, doubled))(dice, content)


def some_cell(dice, notebook):
    cells = notebook.get("cells")
    cells = [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []
    return dice.choice(cells) if cells else {}


def places(value, depth=0):
    """All dicts in a notebook."""
    if isinstance(value, dict) and depth < 9:
        yield value
        for inner in value.values():
            yield from places(inner, depth + 1)
    elif isinstance(value, list) and depth < 9:
        for inner in value[:100]:
            yield from places(inner, depth + 1)


def odd_value(dice):
    return dice.choice(ODD_VALUES) if dice.random() < 0.6 else dice.choice(ODD_TEXTS)


def wrong_type(dice, notebook):
    place = dice.choice(list(places(notebook)))
    place[dice.choice(list(place) or FIELDS)] = odd_value(dice)


def added_field(dice, notebook):
    dice.choice(list(places(notebook)))[dice.choice(FIELDS)] = odd_value(dice)


def lost_field(dice, notebook):
    place = dice.choice(list(places(notebook)))
    if place:
        del place[dice.choice(list(place))]


def odd_source(dice, notebook):
    text = dice.choice(ODD_TEXTS) * dice.choice((1, 1, 1, 3, 20))
    some_cell(dice, notebook)["source"] = text if dice.random() < 0.7 else [text, dice.choice(ODD_TEXTS)]


def odd_answer(dice, notebook):
    """In the written answer, which goes to every page."""
    for cell in notebook["cells"] if isinstance(notebook.get("cells"), list) else []:
        if isinstance(cell, dict) and cell.get("cell_type") == "markdown" and "nbgrader" in str(cell.get("metadata")):
            cell["source"] = dice.choice(ODD_TEXTS) + "\n\n" + dice.choice(ODD_TEXTS)


def odd_picture(dice, notebook):
    data = dice.choice((b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"<svg onload='x'/>", bytes(range(256)) * 400))
    name = dice.choice(("a.png", "图 片.png", "", "a" * 3000, "\ud800"))
    bundle = dice.choice(
        (
            {"image/png": base64.b64encode(data).decode()},
            {"image/svg+xml": "<svg/>"},
            {},
            None,
            [],
            {"image/png": None},
            {"image/png": "not base64!"},
            {"text/html": "<script>"},
            {"image/png": ["iVBORw0KGgo=", 3]},
        )
    )
    cell = some_cell(dice, notebook)
    cell.update(cell_type="markdown", attachments=dice.choice(({name: bundle}, {name: bundle}, bundle)))
    cell["source"] = f"![x](attachment:{name}) <img src='attachment:{name}'> ![y](data:image/png;base64,{'A' * 99})"


def copied(dice, notebook):
    cells = notebook.get("cells")
    if isinstance(cells, list) and cells:
        cell = json.dumps(dice.choice(cells))
        copies = [json.loads(cell) for _ in range(dice.choice((1, 2, 1500)) if len(cell) < 3000 else 1)]
        place = dice.randrange(len(cells) + 1)
        cells[place:place] = copies


def shuffled(dice, notebook):
    if isinstance(notebook.get("cells"), list):
        dice.shuffle(notebook["cells"])


def dropped(dice, notebook):
    if isinstance(notebook.get("cells"), list):
        notebook["cells"] = [cell for cell in notebook["cells"] if dice.random() < 0.8]


def without_metadata(dice, notebook):
    for cell in notebook["cells"] if isinstance(notebook.get("cells"), list) else []:
        if isinstance(cell, dict) and dice.random() < 0.7:
            cell["metadata"] = {}


def deep(dice, notebook):
    inner = []
    for _ in range(dice.choice((50, 400))):
        inner = [inner] if dice.random() < 0.5 else {"a": inner}
    some_cell(dice, notebook)[dice.choice(("metadata", "source", "outputs", "attachments"))] = inner


def huge(dice, notebook):
    some_cell(dice, notebook)[dice.choice(("source", "outputs", "id"))] = "x" * dice.choice((300_000, 2_000_000))


def format_3(dice, notebook):
    cells = notebook.pop("cells", [])
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            cell.update(input=cell.pop("source", ""), language="python", prompt_number=1)
    heading = {"cell_type": "heading", "level": dice.choice((1, 9, "x", None)), "source": "x", "metadata": {}}
    notebook.update(
        nbformat=3, nbformat_minor=0, worksheets=[{"cells": [heading, *cells] if isinstance(cells, list) else cells}]
    )


CHANGES = [
    wrong_type,
    wrong_type,
    wrong_type,
    added_field,
    added_field,
    lost_field,
    lost_field,
    odd_source,
    odd_source,
    odd_source,
    odd_answer,
    odd_answer,
    odd_answer,
    odd_picture,
    odd_picture,
    copied,
    shuffled,
    dropped,
    without_metadata,
    deep,
    huge,
    format_3,
]
DAMAGES = [
    lambda dice: '"x": ' + "[" * dice.choice((500, 200_000)),
    lambda dice: '"x": ' + "[" * 900 + "]" * 900 + ", ",
    lambda dice: '"x": ' + "9" * dice.choice((100, 100_000)) + ", ",
    lambda dice: '"x": 1e999999, "x": NaN, "x": -Infinity, ',
    lambda dice: '"x": "\\ud800", "\\udc00": "\\u0000", ',
    lambda dice: '"cells": [], "cells": {}, ',
    lambda dice: "\n<<<<<<< HEAD\n=======\n>>>>>>> theirs\n",
    lambda dice: dice.choice(("'x': 1,", "// x\n", ",", "\x01", "\\")),
]


def whole(dice, content):
    return content


def cut(dice, content):
    return content[: dice.randrange(len(content) + 1)]


def scratched(dice, content):
    content = bytearray(content)
    for _ in range(dice.choice((1, 5, 200))):
        content[dice.randrange(len(content))] = dice.randrange(256)
    return bytes(content)


def doubled(dice, content):
    return content + content

"""Sphinx extension: what a reader who runs nothing can do without is one quiet word, which opens.

By their tags: what installs and prepares, and the checks, which say how many numbers they hold. By its syntax: a cell
that only fetches a card, `trail["out = self.conv1(x)"]`; the card stands first, and the word below it.
"""

import ast
from html import escape

from docutils import nodes
from editions.outputs import in_edition, is_code_cell
from sphinx.transforms import SphinxTransform

WORDS = {"bootstrap": ("安装", "Install"), "setup": ("准备", "Setup")}
CODE = ("代码", "Code")


def setup(app):
    app.add_transform(QuietCells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class QuietCells(SphinxTransform):
    default_priority = 610

    def apply(self):
        for cell in list(self.document.findall(is_code_cell)):
            source = cell.next_node(nodes.literal_block)
            if source is None:
                continue
            for tag, words in WORDS.items():
                if f"tag_{tag}" in cell["classes"]:
                    self.fold(cell, words)
            if "tag_check" in cell["classes"]:
                self.fold(cell, checked(source.astext()))
            elif len(cell) > 1 and fetches_a_card(source.astext()):
                cell["classes"].append("fetches-a-card")
                cell.children = [*cell.children[1:], cell.children[0]]
                self.fold(cell, CODE, len(cell) - 1)

    def fold(self, cell, words, place=0):
        summary = escape(in_edition(*words, self.config.edition))
        opening = nodes.raw("", f'<details class="fold"><summary>{summary}</summary>', format="html")
        cell.insert(place, opening)
        cell.insert(place + 2, nodes.raw("", "</details>", format="html"))


def fetches_a_card(source):
    """Whether the code only looks something up by name and shows it: `trails["dilated"]["return out"]`.

    It may keep what it found: `step = trail["return out"]`, then `step`.
    """
    match parsed(source).body:
        case [ast.Expr(value=looked_up)]:
            return looks_up(looked_up)
        case [ast.Assign(targets=[ast.Name(id=name)], value=looked_up), ast.Expr(value=ast.Name(id=shown))]:
            return name == shown and looks_up(looked_up)
    return False


def looks_up(node):
    if not isinstance(node, ast.Subscript):
        return False
    while isinstance(node, ast.Subscript):
        if not is_literal(node.slice):
            return False
        node = node.value
    return isinstance(node, ast.Name)


def checked(source):
    """In both languages, how many numbers the assertions hold; of assertions without any, how many they are."""
    asserted = [node.test for node in ast.walk(parsed(source)) if isinstance(node, ast.Assert)]
    numbers = sum(
        numbers_in(side)
        for test in asserted for node in ast.walk(test) if isinstance(node, ast.Compare)
        for side in (node.left, *node.comparators)
    )
    if numbers:
        return f"{numbers} 个数字已核对", f"{numbers} number{'s' * (numbers > 1)} checked"
    if asserted:
        return f"{len(asserted)} 处已核对", f"{len(asserted)} statement{'s' * (len(asserted) > 1)} checked"
    return "已核对", "Checked"


def numbers_in(side):
    """How many numbers are written on one side of a comparison, alone or as a tuple, a list, a set or a dictionary."""
    match side:
        case ast.Constant(value=int() | float() as value):
            return not isinstance(value, bool)
        case ast.UnaryOp(operand=operand):
            return numbers_in(operand)
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts) | ast.Dict(values=parts):
            return sum(map(numbers_in, parts))
    return 0


def parsed(source):
    try:
        return ast.parse(source)
    except SyntaxError:  # IPython's own, such as %matplotlib
        return ast.parse("")


def is_literal(node):
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True

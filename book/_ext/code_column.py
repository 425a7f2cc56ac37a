"""Sphinx extension: the right-hand column is the code under study, each line a link to its section.

A notebook names its subjects in its metadata: `"subject": [{"source": "linewalk.blocks.explicit:Bottleneck",
"part": "forward"}]`. A statement belongs to the section whose heading is that statement; one that another chapter
explains leads there. One that is nobody's heading belongs to the section of the statement before it.
"""

import ast
import copy
import json
import re
from functools import cache
from html import escape
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

LEADING_SPACE = re.compile(r'^(\s|<span class="w">\s*</span>)+')
# Where a long line may be broken besides its spaces.
OPENING = re.compile(r'(<span class="p">[^<]*[(\[{,]</span>)')
# A name that the column cannot hold at an indentation: it may be broken after its underscores.
LONG_NAME = re.compile(r"\w{24,}")
ROOT = Path(__file__).resolve().parents[2]


def setup(app):
    app.connect("source-read", note_subjects)
    app.connect("html-page-context", add_column)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def note_subjects(app, docname, source):
    """At `source-read`: keeps the notebook's subjects with the page's metadata."""
    if str(app.env.doc2path(docname)).endswith(".ipynb"):
        app.env.metadata[docname]["subjects"] = json.loads(source[0])["metadata"].get("subject", [])


def add_column(app, pagename, templatename, context, doctree):
    """At `html-page-context`: gives the template the listings of the page's subjects."""
    subjects = app.env.metadata.get(pagename, {}).get("subjects", [])
    targets = statement_targets(app.env)

    def address(target):
        docname, anchor = target
        page = "" if docname == pagename else app.builder.get_relative_uri(pagename, docname)
        return f"{page}#{anchor}"

    def link(target):
        docname, _ = target
        if docname == pagename:
            return f'href="{escape(address(target))}"'
        return f'href="{escape(address(target))}" title="→ {escape(app.env.titles[docname].astext())}"'

    context["code_listings"] = [
        {"source": source, "html": listing(source, targets, link)}
        for source in dict.fromkeys(subject["source"] for subject in subjects)
    ]


def statement_targets(env):
    """(source, first line of a statement) → (docname, anchor), over all chapters."""
    targets = {}
    for docname in sorted(env.found_docs):
        headings = [
            (anchor, canonical(title)) for _, anchor, title in env.metadata[docname].get("myst_slugs", {}).values()
        ]
        for subject in env.metadata[docname].get("subjects", []):
            for node in statements(subject["source"], subject["part"]):
                code = canonical_node(node)
                match = next((heading for heading in headings if heading[1] == code), None)
                if match:
                    headings.remove(match)  # of two equal lines the first has the first section
                    targets[subject["source"], node.lineno] = docname, match[0]
    return targets


def listing(source, targets, link):
    """The source as HTML rows; the lines of a statement with a section are one link, with the attributes of `link`."""
    path, top = find(source)
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    rows = highlight(text, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).split("\n")
    hidden = {line for node in docstrings(top) for line in range(node.lineno, node.end_lineno + 1)}
    nodes = statements(source, "all")
    indents = {node.lineno: indentation(lines[node.lineno - 1]) for node in nodes}
    # Four levels deep, the column has no room for four spaces each.
    narrower = 2 if max(indents.values()) > 12 else 1
    ends = {}
    for node in nodes:
        if ends and (source, node.lineno) not in targets:
            ends[max(ends)] = header_end(node)
        else:
            ends[node.lineno] = header_end(node)
    html, line = [], top.lineno
    while line <= top.end_lineno:
        end = ends.get(line, line)
        numbers = [number for number in range(line, end + 1) if number not in hidden]
        # The second line of a statement need not stand under the bracket that it continues: the column is narrow.
        body, widest = "", indentation(lines[line - 1]) + 4
        for number in numbers:
            widest = indents.get(number, widest - 4) + 4
            body += row(number, min(indentation(lines[number - 1]), widest) // narrower, rows[number - 1])
        target = targets.get((source, line))
        if target:
            html.append(f'<a {link(target)} data-first-line="{line}">{body}</a>')
        else:
            html.append(body)
        line = end + 1
        if line - 1 in hidden and not lines[line - 1].strip():
            line += 1  # the blank line after a docstring goes with it
    return "".join(html)


def row(number, indent, html):
    """One line; its indentation is a number, so that a long line can wrap under its own beginning."""
    code = OPENING.sub(r"\1<wbr>", LEADING_SPACE.sub("", html))
    code = LONG_NAME.sub(lambda name: name[0].replace("_", "_<wbr>"), code)
    return f'<span class="row" data-line="{number}" style="--indent:{indent}"><code>{code or " "}</code></span>'


def indentation(line):
    return len(line) - len(line.lstrip())


@cache
def find(source):
    """The file and the syntax tree of `package.module:Name`."""
    module, _, name = source.partition(":")
    path = ROOT / f"{module.replace('.', '/')}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return path, next(node for node in tree.body if getattr(node, "name", None) == name)


@cache
def statements(source, part):
    """The statements of a subject in the order of their lines; `part` is "all" or the name of a method.

    With "__init__" come the class line and the class attributes, which run when the class is made.
    """
    _, top = find(source)
    nodes = [node for node in ast.walk(top) if isinstance(node, ast.stmt)]
    skipped = {id(node) for node in docstrings(top)}
    methods = {method.name: method for method in top.body if isinstance(method, ast.FunctionDef)}
    if part != "all":
        others = [method for name, method in methods.items() if name != part]
        skipped |= {id(node) for method in others for node in ast.walk(method)}
        if part != "__init__":
            skipped |= {id(top)} | {id(node) for node in top.body if node is not methods[part]}
    return sorted((node for node in nodes if id(node) not in skipped), key=lambda node: node.lineno)


def docstrings(top):
    return [
        node.body[0]
        for node in ast.walk(top)
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False) is not None
    ]


def header_end(node):
    return node.body[0].lineno - 1 if getattr(node, "body", None) else node.end_lineno


@cache
def canonical_node(node):
    """The statement, or the header of a compound one, in one spelling."""
    if not hasattr(node, "body"):
        return ast.unparse(node)
    bare = copy.copy(node)
    bare.body, bare.orelse, bare.decorator_list = [ast.Pass()], [], []
    return ast.unparse(bare)


@cache
def canonical(title):
    """A heading in the spelling of `canonical_node`, or None if it is no line of code."""
    try:
        body = ast.parse(title + (" pass" if title.endswith(":") else "")).body
    except SyntaxError:
        return None
    return ast.unparse(body[0]) if len(body) == 1 else None

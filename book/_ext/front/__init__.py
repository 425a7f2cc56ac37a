"""Sphinx extension: what the front page shows of the book, and the picture that a link to any page shows.

The front page's own text is book/index.md. Its directives stand for what is worked out from the chapters as they ran:
`first-screen` (the search box, the card of the section that it names, the way into the book), `chapter-list` and
`figures-of-the-book`. Of which card a chapter shows the picture stands in book/titles.yml.
"""

from docutils import nodes
from docutils.parsers.rst import Directive

from . import counted, link_pictures, pieces


def directive(name, arguments):
    def run(self):
        return [pieces.FrontPiece(name=name, line=self.arguments[0] if self.arguments else "")]

    return type(name, (Directive,), {"required_arguments": arguments, "run": run})


def visit(translator, node):
    translator.body.append(pieces.html(translator.builder, node["name"], node["line"]))
    raise nodes.SkipNode


def write_front_page(app, env):
    """At `env-updated`: the front page shows of the others what Sphinx does not know that it does."""
    return [app.config.root_doc]


def style(app, pagename, templatename, context, doctree):
    """At `html-page-context`: the front page alone has its style sheet, and no column beside it."""
    if pagename == app.config.root_doc:
        app.add_css_file("home/home.css")
        context["meta"] = {**(context.get("meta") or {}), "html_theme.sidebar_secondary.remove": True}


def setup(app):
    app.add_node(pieces.FrontPiece, html=(visit, None))
    app.add_directive("first-screen", directive("first-screen", 1))
    app.add_directive("chapter-list", directive("chapter-list", 0))
    app.add_directive("figures-of-the-book", directive("figures-of-the-book", 0))
    app.connect("source-read", counted.note_checks)
    app.connect("doctree-read", pieces.note_picture)
    app.connect("env-updated", write_front_page)
    app.connect("html-page-context", style)
    app.connect("html-page-context", link_pictures.add_picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Sphinx extension: a page with cards that the page itself can compute gets the script that waits for a touch of them.

linewalk says with `data-again` on a card that its walk can be done again (linewalk/draw/again.py); the script is
book/inpage/cards/living.js.
"""

from editions.outputs import is_html_output


def setup(app):
    app.connect("html-page-context", note_cards)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def note_cards(app, pagename, templatename, context, doctree):
    """At `html-page-context`: tells the template whether the page's own cells have shown such cards."""
    outputs = doctree.findall(is_html_output) if doctree is not None else ()
    context["has_living_cards"] = any('data-again="' in output.astext() for output in outputs)

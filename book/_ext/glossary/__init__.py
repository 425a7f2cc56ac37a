"""Sphinx extension: the book's glossary, and the links to it.

`{terms} group` shows a group of book/glossary.yml (`page`); a chapter's first use of each term leads there (`links`).
"""

from . import links, page


def setup(app):
    app.add_directive("terms", page.Terms)
    app.add_transform(links.FirstUses)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

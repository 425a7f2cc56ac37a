"""Sphinx extension: the addresses of sections that have moved, which book/moved.yml names, lead to where they are now.

The page that had a section has a link for it, which shows itself to whoever comes to the old address; a script follows
it at once.
"""

from functools import cache
from html import escape
from pathlib import Path

import yaml
from editions.outputs import in_edition
from sphinx.util import logging

logger = logging.getLogger(__name__)
MOVED = ("这一节现在在：", "This section is now at: ")


def setup(app):
    app.connect("html-page-context", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_links(app, pagename, templatename, context, doctree):
    """At `html-page-context`: puts below the title what stands at the old anchors."""
    links = ""
    for anchor, place in moved(app.confdir).get(pagename, {}).items():
        page, _, own = place.partition("#")
        own = own or anchor
        titles = {found: title for _, found, title in app.env.metadata[page].get("myst_slugs", {}).values()}
        if own not in titles:
            logger.warning("book/moved.yml: %s#%s leads to %s#%s, which is not there", pagename, anchor, page, own)
            continue
        address = f"{app.builder.get_relative_uri(pagename, page) if page != pagename else ''}#{own}"
        words = escape(in_edition(*MOVED, app.config.edition))
        links += f'<p id="{anchor}">{words}<a href="{escape(address)}">{escape(titles[own])}</a></p>'
    if links:
        context["body"] = context["body"].replace("</h1>", f'</h1>\n<div class="moved-sections">{links}</div>', 1)


@cache
def moved(folder):
    """Page → anchor that it had → page, or page#anchor, where the section is."""
    return yaml.safe_load(Path(folder, "book", "moved.yml").read_text(encoding="utf-8"))

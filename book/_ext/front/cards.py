"""The cards that the chapters showed as they ran, found again in the pages as Sphinx has read them."""

import json
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from editions.outputs import is_html_output
from sphinx.util.osutil import relative_uri


def chapters(env):
    """The pages that run, in the order of the table of contents."""
    return [name for name in env.toctree_includes.get(env.config.root_doc, []) if name.startswith("notebooks/")]


def cards(doctree):
    """(anchor of its section, HTML) of each card of a page, in order."""
    for output in doctree.findall(is_html_output):
        html = output.astext()
        if 'class="lw-head"' in html:
            yield section_of(output), html


def card_at(doctree, anchor):
    """The HTML of a section's first card, or None."""
    return next((html for section, html in cards(doctree) if section == anchor), None)


def telling_card(doctree):
    """The card that shows the most of what its line does: the first with three pictures of maps, or with the most."""
    return max((html for _, html in cards(doctree)), key=telling, default=None)


def telling(html):
    return min(3, html.count('class="lw-maps"')), html.count('class="lw-cuboids"')


def photograph(env):
    """The HTML of the first card in the book with the photograph that its walk began with, or None."""
    doctrees = map(env.get_doctree, chapters(env))
    return next((html for one in doctrees for _, html in cards(one) if 'class="lw-photo"' in html), None)


def parsed(html, builder, docname):
    """A card as an element tree whose pictures are named as seen from another page."""
    card = BeautifulSoup(html, "html.parser").select_one(".lw-card")
    folder = relative_uri(builder.get_target_uri(docname), builder.imagedir)
    for image in card.select("img"):
        for attribute in {"src", "data-all"} & set(image.attrs):
            image[attribute] = f"{folder}/{Path(image[attribute]).name}"
    return card


def grid(image):
    """How the maps lie in a picture of them, or None: `columns`, `maps`, `tile` (width, height) and `gap`."""
    return json.loads(image["data-grid"]) if image.get("data-grid") else None


def section_of(node):
    while not isinstance(node, nodes.section):
        node = node.parent
    return node["ids"][0]

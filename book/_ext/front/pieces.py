"""The front page's parts as HTML, by the templates in book/_templates/front/."""

import re
from html import escape

from docutils import nodes
from editions import pages
from sphinx.util import logging

from . import cards, counted

logger = logging.getLogger(__name__)

NO_LINE = "no card at %s: the front page needs a section with one · 首页要用的卡片 %s 不存在"


class FrontPiece(nodes.General, nodes.Element):
    """A part of the front page; `name` is that of its template, and `line` the section whose line it shows."""


def html(builder, name, line):
    env, here = builder.env, builder.current_docname
    context = {
        "edition": env.config.edition,
        "titles": pages.described(builder.confdir),
        "breakable": breakable,
        "address": lambda docname, anchor="": address(builder, docname, anchor),
        "title": lambda docname: builder.render_partial(env.titles[docname])["title"],
        "chapters": cards.chapters(env),
        **CONTENT[name](builder, here, line),
    }
    return builder.templates.render(f"front/{name}.html", context)


def breakable(text):
    """Text as HTML whose long calls may break after an opening parenthesis, never within a name."""
    return re.sub(r"(?<=\w\()(?=\w)", "<wbr>", escape(text, quote=False))


def address(builder, docname, anchor=""):
    return builder.get_relative_uri(builder.current_docname, docname) + (f"#{anchor}" if anchor else "")


def first_screen(builder, here, line):
    docname, _, anchor = line.partition("#")
    found = cards.card_at(builder.env.get_doctree(docname), anchor)
    if found is None:
        logger.warning(NO_LINE, line, line, location=here)
        return {"card": None}
    card = cards.parsed(found, builder, here)
    look_at_what_is_lit(card.select_one(".lw-graph"))
    return {
        "search": address(builder, "search"),
        "chapter": docname,
        "anchor": anchor,
        "card": {
            "line": breakable(card.select_one(".lw-head > code").get_text()),
            "style": card.style.decode(),
            "photograph": photograph(builder, here),
            "maps": joined(map(first_row, card.select(".lw-maps"))),
            "graph": joined(card.select(".lw-graph")),
        },
    }


def look_at_what_is_lit(graph):
    """Where a part of the graph is all that there is room for, it is the part with the lit nodes: `--x` and `--f`."""
    lit = graph.select(".lw-now rect") if graph else []
    if lit:
        left, top, width, height = map(float, graph.svg["viewbox"].split())
        across = [float(rect["x"]) + float(rect["width"]) / 2 - left for rect in lit]
        down = [float(rect["y"]) + float(rect["height"]) / 2 - top for rect in lit]
        graph["style"] += f";--x:{middle(across) / width:.3f};--f:{middle(down) / height:.3f}"


def middle(numbers):
    return (min(numbers) + max(numbers)) / 2


def first_row(figure):
    """Maps with their name and shape; the numbers below them are the chapter's."""
    for element in figure.select("figcaption, p > span"):
        element.decompose()
    for image in figure.select("img"):
        del image["loading"]  # they are the first that is seen
    return figure


def photograph(builder, here):
    found = cards.photograph(builder.env)
    if found is None:
        return ""
    image = cards.parsed(found, builder, here).select_one(".lw-photo img")
    return image.attrs


def chapter_list(builder, here, line):
    return {
        "picture": lambda docname: builder.env.metadata[docname]["picture"],
        "own_words": lambda docname: pages.description(builder.env.get_doctree(docname)),
    }


def note_picture(app, doctree):
    """At `doctree-read`: keeps with a page's metadata what the front page shows of it, which may be read on its own.

    It is the photograph and maps of its card, else the shapes that its line registers.
    """
    docname = app.env.docname
    found = telling_card_of(app, docname, doctree)
    card = found and cards.parsed(found, app.builder, app.config.root_doc)
    app.env.metadata[docname]["picture"] = {
        "photograph": joined(card.select(".lw-photo img")) if card else "",
        "shown": joined(card.select(".lw-maps img")[:3] or card.select(".lw-cuboids")[:1]) if card else "",
    }


def joined(elements):
    return "".join(element.decode(formatter="minimal") for element in elements)


def telling_card_of(app, docname, doctree):
    """The card of the section that book/titles.yml names for the chapter, else the most telling one."""
    anchor = pages.described(app.confdir).get(docname, {}).get("picture")
    if not anchor:
        return cards.telling_card(doctree)
    found = cards.card_at(doctree, anchor)
    if found is None:
        logger.warning(NO_LINE, f"{docname}#{anchor}", f"{docname}#{anchor}", location=docname)
    return found


CONTENT = {
    "first-screen": first_screen,
    "chapter-list": chapter_list,
    "figures-of-the-book": lambda builder, here, line: counted.figures(builder.env),
}

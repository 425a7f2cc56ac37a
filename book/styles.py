"""Joins the style sheets of each page to one: on a slow line, each costs a round trip before anything is drawn."""

import hashlib
import posixpath
import re

# What is for paper only keeps nobody waiting, and stays apart; so does what is for browsers without scripts.
LINK = re.compile(r'[ \t]*<link\b(?=[^>]* rel="stylesheet")(?![^>]* media=)[^>]* href="([^"]*_static/[^"?]+)[^>]*>\n?')
NO_SCRIPT = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)
IMPORT = re.compile(r"""@import\s+["']([^"']+)["']\s*;""")
ADDRESS = re.compile(r"""url\(\s*(["']?)(?!data:|#|https?:)([^"')]+)\1\s*\)""")


def join_styles(edition):
    """Makes one sheet for each set of sheets that the pages of an edition name, and names it in their stead."""
    made = {}
    for page in edition.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        head, end, body = html.partition("</head>")
        apart = NO_SCRIPT.findall(head)
        links = [link for link in LINK.finditer(head) if not any(link[0].strip() in one for one in apart)]
        if len(links) < 2:
            continue
        folder = page.parent.relative_to(edition).as_posix()
        names = tuple(posixpath.normpath(posixpath.join(folder, link[1])) for link in links)
        if names not in made:
            made[names] = joined(edition, names)
        up = posixpath.relpath("_static", folder)
        for link in reversed(links[1:]):
            head = head[: link.start()] + head[link.end():]
        one = f'<link rel="stylesheet" href="{up}/{made[names]}">\n'
        head = head[: links[0].start()] + one + head[links[0].end():]
        page.write_text(head + end + body, encoding="utf-8")


def joined(edition, names):
    css = "\n".join(text_of(edition, name) for name in names)
    name = f"styles-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:8]}.css"
    (edition / "_static" / name).write_text(css, encoding="utf-8")
    return f"{name}?v={hashlib.sha256(css.encode()).hexdigest()[:8]}"


def text_of(edition, name):
    """A sheet with those that it imports, its addresses as they are from `_static`."""
    folder = posixpath.dirname(name)

    def address(found):
        return f'url("{posixpath.relpath(posixpath.join(folder, found[2]), "_static")}")'

    def imported(found):
        return text_of(edition, posixpath.normpath(posixpath.join(folder, found[1])))

    return IMPORT.sub(imported, ADDRESS.sub(address, (edition / name).read_text(encoding="utf-8")))

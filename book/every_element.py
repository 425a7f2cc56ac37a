"""A page in each edition on which every element of the site can be seen at once, for whoever changes a style.

It needs no keeping: of all pages' paragraphs, cells, tables and so on it shows those that have an element, or a set of
classes, which none before them has, in the frame of a chapter. What only scripts make stands in `every_element.html`.
Readers and search engines are not led there.
"""

import posixpath
import re
from pathlib import Path

from bs4 import BeautifulSoup

NAME = "every-element"
MADE_BY_SCRIPTS = Path(__file__).with_suffix(".html")
START = re.compile(r"""<([a-z][\w-]*)\b(?:[^>]*?\sclass="([^"]*)")?""")
TAG = re.compile(r"<(/?)([a-z][\w-]*)\b[^>]*?(/?)>")
VOID = ("br", "col", "hr", "img", "input", "link", "meta", "source", "wbr")
SECTION = ("section", frozenset())
FOLDERS = ("notebooks", "assignments", "book")
ADDRESSES = ("href", "src", "data-all")
SHEET = re.compile(r'<link\b(?=[^>]* rel="stylesheet")[^>]* href="([^"]+)"')


def show_every_element(edition):
    """Writes the page into the folder of an edition, if it has a chapter."""
    pages = {
        path: path.read_text(encoding="utf-8")
        for folder in FOLDERS for path in sorted((edition / folder).glob("*.html")) if path.stem != NAME
    }
    if FOLDERS[0] not in {path.parent.name for path in pages}:
        return
    frame, content = taken_apart(next(iter(pages.values())))
    soup = BeautifulSoup(frame, "html.parser")
    title = BeautifulSoup(next(block for block in blocks(content) if "<h1" in block), "html.parser").find("h1")
    title.string = "Every element"
    section = soup.new_tag("section", id=NAME)
    section.append(title)
    soup.find("article").append(section)
    seen, ids = set(), {NAME}
    for path, text in pages.items():
        _, content = taken_apart(text)
        if kinds(content) <= seen | {SECTION}:
            continue
        place = path.relative_to(edition).as_posix()
        for block in blocks(content):
            new = kinds(block) - seen
            if new:
                seen |= new
                section.append(moved(block, place, ids))
    section.append(BeautifulSoup(MADE_BY_SCRIPTS.read_text(encoding="utf-8"), "html.parser"))
    for link in soup.select(".language-switch a"):
        link["href"] = f"../../{link['data-edition']}/book/{NAME}.html"
    for head in soup.select('meta[name=description], meta[property], link[rel=alternate], link[rel=canonical]'):
        head.decompose()
    soup.title.string = "Every element"
    soup.head.append(soup.new_tag("meta", attrs={"name": "robots", "content": "noindex"}))
    shown = {link["href"] for link in soup.select("link[rel=stylesheet]")}
    for sheet in dict.fromkeys(sheet for text in pages.values() for sheet in SHEET.findall(text)):
        if sheet not in shown:
            soup.head.append(soup.new_tag("link", rel="stylesheet", href=sheet))
    (edition / "book" / f"{NAME}.html").write_text(str(soup), encoding="utf-8")


def taken_apart(page):
    """The HTML of a page without what its article holds, and that."""
    start = page.index(">", page.index("<article")) + 1
    end = page.index("</article>")
    return page[:start] + page[end:], page[start:end]


def blocks(article):
    """What stands in the sections of a page, one after the other, as HTML.

    By its tags alone: to parse it all takes as long as the rest of an edition, and a few blocks are wanted.
    """
    depth = start = 0
    for tag in TAG.finditer(article):
        closing, name, empty = tag.groups()
        if not depth:
            if name == SECTION[0]:
                continue
            start = tag.start()
        if closing:
            depth -= 1
        elif not empty and name not in VOID:
            depth += 1
        if not depth:
            yield article[start : tag.end()]


def kinds(html):
    """The elements in it by name and classes."""
    return {(name, frozenset(classes.split())) for name, classes in START.findall(html)}


def moved(html, place, ids):
    """The block as it stands on another page than its own, where its ids may be taken."""
    block = BeautifulSoup(html, "html.parser")
    for part in block.find_all(True):
        for name in ADDRESSES:
            value = part.get(name)
            if value and not re.match(r"[a-z]+:|/", value):
                path, hash_, anchor = value.partition("#")
                target = posixpath.join(posixpath.dirname(place), path) if path else place
                part[name] = posixpath.relpath(target, "book") + hash_ + anchor
        if part.get("id") in ids and part.name != "marker":
            del part["id"]
        elif part.get("id"):
            ids.add(part["id"])
    return block

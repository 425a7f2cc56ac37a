"""A page in each edition on which every element of the site can be seen at once, for whoever changes a style.

It needs no keeping: of all pages' paragraphs, cells, tables and so on it shows those that have an element, or a set of
classes, which none before them has, in the frame of a chapter. What only scripts make stands in `every_element.html`.
Readers and search engines are not led there.
"""

import copy
import posixpath
import re
from pathlib import Path

from bs4 import BeautifulSoup

NAME = "every-element"
MADE_BY_SCRIPTS = Path(__file__).with_suffix(".html")
START = re.compile(r"""<([a-z][\w-]*)\b(?:[^>]*?\sclass="([^"]*)")?""")
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
    soup = BeautifulSoup(next(iter(pages.values())), "html.parser")
    article = soup.find("article")
    title = copy.copy(article.find("h1"))
    article.clear()
    title.string = "Every element"
    section = soup.new_tag("section", id=NAME)
    section.append(title)
    article.append(section)
    seen, ids = set(), {NAME}
    for path, text in pages.items():
        html = text.partition("<article")[2].partition("</article>")[0]
        if {(name, frozenset(classes.split())) for name, classes in START.findall(html)} <= seen | {SECTION}:
            continue  # parsing takes longer than finding out that there is nothing new
        page = BeautifulSoup(f"<article{html}</article>", "html.parser")
        place = path.relative_to(edition).as_posix()
        for block in blocks(page.find("article")):
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


def blocks(article):
    """What stands in the sections of a page, one after the other."""
    for part in article.find_all(recursive=False):
        if part.name == "section":
            yield from blocks(part)
        else:
            yield part


def kinds(block):
    """The elements in a block by name and classes."""
    return {(part.name, frozenset(part.get("class", ()))) for part in [block, *block.find_all(True)]}


def moved(block, place, ids):
    """The block as it stands on another page than its own, where its ids may be taken."""
    block = copy.copy(block)
    for part in [block, *block.find_all(True)]:
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

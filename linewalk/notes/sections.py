"""Where the book explains what a note says: chapters and headings, and their addresses where the site's is known."""

import functools
import html
import re
from dataclasses import dataclass
from importlib.resources import files

from ..errors import Bilingual

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

TITLE = Bilingual("逐行读懂 Bottleneck", "Bottleneck, line by line")
_LONGEST = 32  # a heading that is a longer line of code is shown without its arguments


@dataclass(frozen=True)
class Section:
    """A section of the book: `page` and `anchor` say where, `heading` what it is called."""

    page: str
    anchor: str
    heading: Bilingual

    def words(self, language):
        """ "第 2 章：`super(…)`", "Chapter 2: `super(…)`"."""
        heading, chapter = _short(getattr(self.heading, language)), int(self.page.partition("_")[0])
        return f"第 {chapter} 章：{heading}" if language == "zh" else f"Chapter {chapter}: {heading}"

    def address(self, language):
        """Where it is on the site, in that language; None where no site is known."""
        site = book_address()
        return site and f"{site}{language}/notebooks/{self.page}.html#{self.anchor}"

    def link(self, language):
        """It as HTML. What shows it on the site itself finds by `data-section` where the link leads."""
        address = self.address(language)
        href = f' href="{html.escape(address)}"' if address else ""
        words = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(self.words(language), quote=False))
        return f'<a data-section="{self.page}#{self.anchor}"{href}>{words}</a>'


@functools.cache
def section(name):
    """The `Section` that an entry names: "02_init#super"."""
    page, _, anchor = name.partition("#")
    heading = _headings()[page][anchor]
    both = {"zh": heading, "en": heading} if isinstance(heading, str) else heading
    return Section(page, anchor, Bilingual(**both))


def first_mentions(lines):
    """id of a line → the sections that explain what is said there, each at the first line that it explains."""
    found, seen = {}, set()
    for line in lines:
        names = dict.fromkeys(sentence.section for sentence in line.sentences if sentence.section)
        found[id(line)] = [section(name) for name in names if name not in seen]
        seen.update(names)
    return found


@functools.cache
def book_address():
    """The site's address with a slash at its end, as the wheel that was packed for it says; "" where none is known."""
    try:
        from importlib.metadata import metadata  # not there in the page's Python
    except ImportError:
        return ""
    try:
        addresses = metadata("linewalk").get_all("Project-URL") or []
    except ImportError:  # linewalk lies on the path and was not installed
        return ""
    named = dict(one.split(", ", 1) for one in addresses)
    return f"{named['Book'].rstrip('/')}/" if "Book" in named else ""


@functools.cache
def _headings():
    text = files(__package__).joinpath("knowledge", "sections.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _short(heading):
    code = re.fullmatch("`(.+)`", heading)
    return f"`{re.sub(r'[(].*[)]', '(…)', code[1])}`" if code and len(code[1]) > _LONGEST else heading

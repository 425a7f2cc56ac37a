"""What the templates tell a browser of a page: its sisters in the other editions, its content, its authors."""

import re
from functools import cache, partial
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import yaml
from docutils import nodes
from sphinx.locale import _

from . import words

SWITCH = {
    "zh": ("中", "中文", "zh-CN"),
    "en": ("EN", "English", "en"),
    "both": ("对照", "中英对照 · Both languages", None),
}


def in_repository(docname):
    """Whether the repository holds the page's source. It holds the assignments with their solutions only."""
    return not docname.startswith("assignments/")


def pick_captions(app, config):
    """At `config-inited`: a caption `中文 | English` in the table of contents becomes the edition's."""
    for document in config.external_site_map.values():
        for subtree in document.subtrees:
            if subtree.caption:
                subtree.caption = caption(subtree.caption, config.edition)


def caption(text, edition):
    zh, _, en = text.partition(" | ")
    return {"zh": zh, "en": en or zh, "both": f"{zh} · {en}" if en else zh}[edition]


def hold_scripts_back(app, pagename, templatename, context, doctree):
    """At `html-page-context`, last: scripts come after the text, and none stands in the page itself.

    A browser that finds a policy in a page looks for no script ahead of the one that it waits for: each would cost a
    journey to the server. Inline ones the policy forbids (book/policy.py); the theme's name the page and turn off
    searching while one types, which matter to nothing here. One of Sphinx's marks the words of its own search, which is
    not made, and would take Escape from the code column.
    """
    context["script_files"] = [
        script for script in context["script_files"] if script.filename and "sphinx_highlight" not in script.filename
    ]
    for script in context["script_files"]:
        script.attributes.setdefault("defer", "defer")


def drop_unused(app, pagename, templatename, context, doctree):
    """At `html-page-context`, last: grids and tabs need 10 kB, which pages without any do without."""
    if "sd-" not in context.get("body", ""):
        for files in ("script_files", "css_files"):
            context[files] = [file for file in context[files] if "design" not in str(getattr(file, "filename", file))]


def add_content(app, pagename, templatename, context, doctree):
    """At `html-page-context`: what a search engine or a message with a link to the page would show."""
    context["in_edition"] = partial(words.in_edition, edition=app.config.edition)
    titles, edition = described(app.confdir), app.config.edition
    said = titles.get(pagename, {})
    heading = unescape(re.sub("<[^>]*>", "", context.get("title") or "")) or _("Search")
    context["page_name"] = in_edition(said["title"], edition) if "title" in said else heading
    is_front = pagename == app.config.root_doc and "title" in said
    context["page_title"] = context["page_name"]
    if not is_front:
        context["page_title"] += f" — {in_edition(titles['site'], edition)}"
    own = description(doctree) if doctree else ""
    context["page_description"] = in_edition(said["description"], edition) if "description" in said else own
    context["author"] = app.config.author
    root = app.builder.get_target_uri(app.config.root_doc)
    context["root_address"] = urljoin(app.config.html_baseurl or "", root)


@cache
def described(folder):
    """Page → its title and description, where book/titles.yml has others than those of the page itself."""
    return yaml.safe_load(Path(folder, "book", "titles.yml").read_text(encoding="utf-8"))


def in_edition(texts, edition):
    return texts.get(edition) or f"{texts['zh']} · {texts['en']}"


def description(doctree):
    """The first prose of a page, in each language of its edition."""
    found = {}
    for paragraph in doctree.findall(nodes.paragraph):
        language, text = language_of(paragraph), " ".join(paragraph.astext().split())
        # An opening that ends in a colon says nothing without what follows.
        if text and (language not in found or found[language].endswith((":", "："))):
            found[language] = f"{found.get(language, '')} {text}".strip()
    return " ".join(shortened(text) for language, text in found.items() if language or len(found) == 1)


def language_of(node):
    """The language that a node stands in, or None where a page has one only."""
    while node := node.parent:
        for name in node.get("classes", ()):
            if name.startswith("language-"):
                return name.removeprefix("language-")
    return None


def shortened(text):
    """At most as much as is shown: twice the characters where they are half as wide."""
    limit = 100 if re.search("[㐀-鿿]", text) else 200
    if len(text) <= limit:
        return text
    whole = re.match(rf".{{1,{limit}}}(?:[。！？]|[.!?](?= ))", text)
    return whole[0] if whole else text[: limit - 1] + "…"


def add_editions(app, pagename, templatename, context, doctree):
    """At `html-page-context`: where the page's sisters are. The edition's base address ends in its own folder."""
    page = app.builder.get_target_uri(pagename)
    up = "../" * page.count("/") + "../"
    base = app.config.html_baseurl
    context["up"] = up
    context["edition"] = app.config.edition
    context["editions"] = [
        {
            "code": code,
            "label": label,
            "name": name,
            "hreflang": hreflang,
            "href": f"{up}{code}/{page}",
            "address": urljoin(base, f"../{code}/{page}") if base else f"{up}{code}/{page}",
            "current": code == app.config.edition,
        }
        for code, (label, name, hreflang) in SWITCH.items()
    ]

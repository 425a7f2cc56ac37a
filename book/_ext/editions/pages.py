"""What the templates tell a browser of a page: its sisters in the other editions, its content, what it may load."""

import re
from functools import partial
from html import unescape
from urllib.parse import urljoin

from docutils import nodes

from . import words

# Nothing from another host, no script in the page. `file:` is for readers who open the site from their disk, where some
# browsers do not count it as 'self'; styles stand in figures and in rows of code. ("frame-ancestors" needs a header.)
POLICY = "; ".join(
    [
        "default-src 'self' file:",
        # A Jupyter server on the reader's own machine, where the reader has asked for it.
        "connect-src 'self' file: http://127.0.0.1:* http://localhost:* ws://127.0.0.1:* ws://localhost:*",
        "img-src 'self' file: data:",
        "style-src 'self' file: 'unsafe-inline'",
        "font-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self' file:",
    ]
)

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


def add_policy(app, pagename, templatename, context, doctree):
    """At `html-page-context`, last: no inline scripts, and a policy that forbids them, before all else in the head.

    The theme's inline scripts name the page and turn off searching while one types, which matter to nothing here.
    """
    context["script_files"] = [script for script in context["script_files"] if getattr(script, "filename", script)]
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    context["metatags"] = f"{policy}\n{context.get('metatags', '')}"


def drop_unused(app, pagename, templatename, context, doctree):
    """At `html-page-context`, last: grids and tabs need 10 kB, which pages without any do without."""
    if "sd-" not in context.get("body", ""):
        for files in ("script_files", "css_files"):
            context[files] = [file for file in context[files] if "design" not in str(getattr(file, "filename", file))]


def add_content(app, pagename, templatename, context, doctree):
    """At `html-page-context`: what a search engine or a message with a link to the page would show."""
    context["in_edition"] = partial(words.in_edition, edition=app.config.edition)
    context["page_description"] = description(doctree) if doctree else ""
    picture = re.search(r'<img[^>]* src="([^"]+)"', context.get("body", ""))
    context["page_image"] = urljoin(context["pageurl"] or "", unescape(picture[1])) if picture else None
    root = app.builder.get_target_uri(app.config.root_doc)
    context["root_address"] = urljoin(app.config.html_baseurl or "", root)


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

"""What the templates need to lead from a page to the same page in another edition."""

from urllib.parse import urljoin

SWITCH = {
    "zh": ("中", "中文", "zh-CN"),
    "en": ("EN", "English", "en"),
    "both": ("对照", "中英对照 · Both languages", None),
}


def pick_captions(app, config):
    """At `config-inited`: a caption `中文 | English` in the table of contents becomes the edition's."""
    for document in config.external_site_map.values():
        for subtree in document.subtrees:
            if subtree.caption:
                subtree.caption = caption(subtree.caption, config.edition)


def caption(text, edition):
    zh, _, en = text.partition(" | ")
    return {"zh": zh, "en": en or zh, "both": f"{zh} · {en}" if en else zh}[edition]


def add_editions(app, pagename, templatename, context, doctree):
    """At `html-page-context`: where the page's sisters are. The edition's base address ends in its own folder."""
    page = app.builder.get_target_uri(pagename)
    up = "../" * page.count("/") + "../"
    base = app.config.html_baseurl
    context["edition"] = app.config.edition
    context["site_root"] = up
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

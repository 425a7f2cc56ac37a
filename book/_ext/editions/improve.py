"""Beside the heading of each section, its permanent link and one to its source, where the reader can mend it."""

import re
from html import escape

from addresses import within

from .outputs import in_edition
from .pages import in_repository

HEADING = re.compile(r'(<h[1-6][^>]*>)((?:(?!</h).)*?)<a class="headerlink" href="#([^"]+)"[^>]*>(.*?)</a>', re.DOTALL)
TAG = re.compile(r"<[^>]*>")


def add_links(app, pagename, templatename, context, doctree):
    """At `html-page-context`: names the sections in their permanent links and adds the links to the source."""
    if "body" not in context:
        return
    repository = app.config.repository if in_repository(pagename) else {}
    path = str(app.env.doc2path(pagename, False))
    source = source_address(repository.get("url"), repository.get("branch"), path)
    context["body"] = with_links(context["body"], source, app.config.edition)


def with_links(body, source, edition):
    colon = "：" if edition == "zh" else ": "
    permanent = in_edition("本节的固定链接", "Link to this section", edition)
    improve = in_edition("改进这一节", "Improve this", edition)

    def links(match):
        opening, heading, anchor, sign = match.groups()
        name = TAG.sub("", heading).strip().replace('"', "&quot;")
        label = f"{colon}{name}"
        html = f'<a class="headerlink" href="#{anchor}" title="{permanent}" aria-label="{permanent}{label}">{sign}</a>'
        if source:
            html += f'<a class="improve" href="{escape(source)}" title="{improve}" aria-label="{improve}{label}"></a>'
        return f"{opening}{heading}{html}"

    return HEADING.sub(links, body)


def source_address(repository, branch, path):
    """Where the source of a page can be read and edited: a page's text in the editor, a notebook as it is shown."""
    if not repository:
        return None
    return within(repository, "view" if path.endswith(".ipynb") else "edit", branch or "main", path)

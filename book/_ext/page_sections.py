"""Sphinx extension: each chapter lists its sections, in the sidebar below its title and, folded, at its beginning.

In the sidebar they are on a wide screen; at the beginning, where there is none. The code stands where other pages have
such a list.
"""

import re
from html import escape

from bs4 import BeautifulSoup
from editions.outputs import in_edition

TITLE = ("本章各节", "Sections")
CURRENT = re.compile(r'<a class="current reference internal" href="#">.*?</a>', re.DOTALL)


def setup(app):
    app.connect("html-page-context", list_sections, priority=900)  # after the theme has said what the sidebar holds
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def list_sections(app, pagename, templatename, context, doctree):
    """At `html-page-context`: puts the list into the body and into what the sidebar will hold."""
    if not pagename.startswith("notebooks/"):
        return
    sections = listed(BeautifulSoup(context["toc"], "html.parser").select_one("li > ul"))
    if not sections:
        return
    title = escape(in_edition(*TITLE, app.config.edition))
    folded = f'<details class="page-sections"><summary>{title}</summary>{sections}</details>'
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{folded}", 1)
    contents = context["generate_toctree_html"]

    def with_sections(*arguments, **options):
        below = sections.replace("<ul", '<ul class="page-sections"', 1)
        return CURRENT.sub(lambda title: f"{title[0]}{below}", str(contents(*arguments, **options)), count=1)

    context["generate_toctree_html"] = with_sections


def listed(items):
    """A list of Sphinx's without the marks of which each of its words has some."""
    if not items:
        return ""
    html = ""
    for item in items.find_all("li", recursive=False):
        for code in item.a.find_all("code"):
            code.replace_with(BeautifulSoup(f"<code>{escape(code.get_text(), quote=False)}</code>", "html.parser"))
        below = listed(item.find("ul", recursive=False))
        html += f'<li><a href="{item.a["href"]}">{item.a.decode_contents()}</a>{below}</li>'
    return f"<ul>{html}</ul>"

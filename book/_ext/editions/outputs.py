"""Outputs of code cells: the edition's words only, and pictures as files."""

import base64
import hashlib
import mimetypes
import re
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util.osutil import relative_uri

OTHER = {"zh": "en", "en": "zh"}
BILINGUAL_ATTRIBUTES = {"alt": "data-alt", "aria-label": "data-label"}
DATA_URI = re.compile(r"data:(image/[\w.+-]+);base64,(.*)", re.DOTALL)


class ReadableOutputs(SphinxTransform):
    """Leaves in HTML outputs the edition's words and each style sheet once; their pictures become files."""

    default_priority = 620

    def apply(self):
        folder = Path(self.app.outdir, self.app.builder.imagedir)
        uri = relative_uri(self.app.builder.get_target_uri(self.env.docname), self.app.builder.imagedir)
        styles = set()
        for raw in self.document.findall(is_html_output):
            soup = BeautifulSoup(raw.astext(), "html.parser")
            keep_language(soup, self.config.edition)
            for style in soup.find_all("style"):
                if style.string in styles:
                    style.decompose()
                else:
                    styles.add(style.string)
            images_to_files(soup, folder, uri)
            self.lead_to_sections(soup)
            raw.children = [nodes.Text(soup.decode(formatter="minimal"))]

    def lead_to_sections(self, soup):
        """Where linewalk's notes name a section of the book, they lead to it within this edition."""
        for link in soup.select("a[data-section]"):
            chapter, _, anchor = link["data-section"].partition("#")
            page = self.app.builder.get_relative_uri(self.env.docname, f"notebooks/{chapter}")
            link["href"] = f"{page}#{anchor}"


def keep_language(soup, edition):
    """Of text marked with `lang`, and of texts that are attributes, keeps what the edition shows.

    What was asked for in the other language (`annotate(…, language="zh")`) has no twin and stays.
    """
    other = OTHER.get(edition)
    for element in soup.select(f'[lang="{other}"]:not([data-language="{other}"] *)') if other else ():
        element.decompose()
    for attribute, data in BILINGUAL_ATTRIBUTES.items():
        for element in soup.select(f"[{data}-zh][{data}-en]"):
            zh, en = element.attrs.pop(f"{data}-zh"), element.attrs.pop(f"{data}-en")
            element[attribute] = in_edition(zh, en, edition)


def in_edition(zh, en, edition):
    return {"zh": zh, "en": en, "both": zh if zh == en else f"{zh} / {en}"}[edition]


def images_to_files(soup, folder, uri):
    """Embedded pictures become files in `folder`, which the page knows as `uri`, so that it need not wait for them."""
    for image in soup.find_all("img", src=DATA_URI):
        image["src"] = f"{uri}/{write_image(image['src'], folder)}"
        image["loading"] = "lazy"
        image["decoding"] = "async"
    for image in soup.find_all("img", {"data-all": DATA_URI}):
        image["data-all"] = f"{uri}/{write_image(image['data-all'], folder)}"


def write_image(data_uri, folder):
    mime, data = DATA_URI.fullmatch(data_uri).groups()
    content = base64.b64decode(data)
    path = folder / (hashlib.sha256(content).hexdigest()[:20] + mimetypes.guess_extension(mime))
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path.name


def is_code_cell(node):
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def is_html_output(node):
    return isinstance(node, nodes.raw) and node.get("format") == "html" and "output" in node["classes"]

"""Anchors of sections: the same in every edition, and readable: `out = self.conv1(x)` is #out-conv1."""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)

WORD = re.compile(r"\w+")
CODE = re.compile(r"`+\s*(.+?)\s*`+")


def code_anchor(title):
    """The anchor of a heading that is a line of code (or, without backticks, of one that needs no translation)."""
    match = CODE.fullmatch(title)
    if not match:
        return prose_anchor(title)
    words = (word for word in WORD.findall(match[1].partition("(")[0]) if word != "self")
    return "-".join(word.strip("_").lower().replace("_", "-") for word in words if word.strip("_"))


def prose_anchor(title):
    """The anchor of a prose heading, from its English words."""
    return "-".join(re.findall(r"[^\W_]+", title.lower().replace("'", "").replace("’", "")))


def numbered(anchors):
    """Appends -2, -3, … to repeats, as they come."""
    seen = set()
    for anchor in anchors:
        unique, number = anchor, 1
        while unique in seen:
            number += 1
            unique = f"{anchor}-{number}"
        seen.add(unique)
        yield unique


class SectionAnchors(SphinxTransform):
    """Makes the anchor that was worked out from the source the id of its section."""

    # Before MyST resolves `[text](#anchor)` (879) and Sphinx notes labels (880).
    default_priority = 600

    def apply(self):
        sections = list(self.document.findall(nodes.section))
        anchors = self.env.temp_data.pop("edition_anchors", [])
        if len(sections) != len(anchors):
            logger.warning(
                "%d sections, but %d headings in a cell of their own",
                len(sections),
                len(anchors),
                location=self.env.docname,
            )
            return

        for section in sections:
            self.document.ids.pop(section["ids"][0])
        slugs = {}
        for section, anchor in zip(sections, numbered(anchors), strict=True):
            section["ids"][0] = anchor
            self.document.ids[anchor] = section
            for name in section["names"]:
                self.document.nameids[name] = anchor
            slugs[anchor] = (section.line, anchor, section[0].astext())
        # Where MyST looks links up, within this page and from others.
        self.document.myst_slugs = slugs
        self.env.metadata[self.env.docname]["myst_slugs"] = slugs

"""A chapter's first use of each term leads to the glossary, once in each language that the page has."""

import re
from functools import cache

from docutils import nodes
from editions.pages import language_of
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform

from .words import linked

CHAPTERS, GLOSSARY = "notebooks/", "book/glossary"
# What is a link, a name in code or a picture's words already.
LEFT_ALONE = (nodes.title, nodes.literal, nodes.reference, pending_xref, nodes.raw, nodes.FixedTextElement, nodes.math)


class FirstUses(SphinxTransform):
    default_priority = 700  # sections have their anchors, links are not yet resolved

    def apply(self):
        if not self.env.docname.startswith(CHAPTERS) or GLOSSARY not in self.env.found_docs:
            return
        found = set()
        for text in list(self.document.findall(nodes.Text)):
            if not is_prose(text):
                continue
            language = language_of(text) or self.config.edition
            if language in ("zh", "en"):
                pieces = list(self.with_links(text.astext(), language, found))
                if len(pieces) > 1 or not isinstance(pieces[0], nodes.Text):
                    text.parent.replace(text, pieces)

    def with_links(self, text, language, found):
        words = linked(self.env.app.confdir, language)
        end = 0
        for match in pattern(tuple(words), language).finditer(text):
            term = words[match[0].lower()]
            if term is None or (language, term) in found:
                continue
            found.add((language, term))
            if match.start() > end:
                yield nodes.Text(text[end : match.start()])
            yield self.link(match[0], term)
            end = match.end()
        if end < len(text) or not text:
            yield nodes.Text(text[end:])

    def link(self, word, term):
        options = {"refdomain": "std", "reftype": "term", "reftarget": term, "refexplicit": True, "refwarn": True}
        shown = nodes.inline("", word, classes=["glossary-link"])
        return pending_xref("", shown, refdoc=self.env.docname, **options)


def is_prose(text):
    inside, node = False, text
    while node := node.parent:
        if isinstance(node, LEFT_ALONE) or "cell" in getattr(node, "attributes", {}).get("classes", ()):
            return False
        inside = inside or isinstance(node, nodes.paragraph)
    return inside


@cache
def pattern(words, language):
    """Finds the longest word first; of English only whole words, of which hyphens are a part."""
    longest = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.compile(rf"(?<![\w-])(?:{longest})(?![\w-])" if language == "en" else longest, re.IGNORECASE)

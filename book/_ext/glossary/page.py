"""The directive `terms`: a group of the glossary, as Sphinx's own glossary would show it, in the edition's languages.

Each term has one anchor in all editions, and `{term}` finds it by its id and by its name in either language.
"""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.addnodes import glossary
from sphinx.util.docutils import SphinxDirective

from .words import FILE, groups

OTHER = {"zh": "en", "en": "zh"}


class Terms(SphinxDirective):
    required_arguments = 1

    def run(self):
        self.env.note_dependency(f"{self.env.app.confdir}/{FILE}")
        terms = groups(self.env.app.confdir)[self.arguments[0]]
        shown = nodes.definition_list("", *map(self.item, terms), classes=["glossary"])
        return [glossary("", shown, sorted=False)]

    def item(self, term):
        first = "en" if self.config.edition == "en" else "zh"
        both = (first, OTHER[first])
        names = [nodes.inline("", term[language], classes=[f"language-{language}"]) for language in both]
        if term["zh"] == term["en"]:
            del names[1]
        words = [node for name in names for node in (nodes.Text(" · "), name)][1:]
        own = nodes.term("", "", *words, ids=[term["id"]])
        self.set_source_info(own)
        for name in dict.fromkeys((term["id"], term["zh"], term["en"])):
            self.env.get_domain("std").note_object("term", name, term["id"], location=own)

        page, _, anchor = term["shown"].partition("#")
        definition = nodes.definition("", *self.said(term["said"]), *self.parsed(f"→ [](../{page}.ipynb#{anchor})"))
        definition.children[-1]["classes"].append("glossary-shown")
        return nodes.definition_list_item("", own, definition)

    def said(self, texts):
        if self.config.edition != "both":
            return self.parsed(texts[self.config.edition])
        return [
            nodes.container("", *self.parsed(texts[language]), classes=[f"language-{language}"]) for language in OTHER
        ]

    def parsed(self, text):
        parent = nodes.Element()
        self.state.nested_parse(StringList([text], source=FILE), self.content_offset, parent)
        return parent.children

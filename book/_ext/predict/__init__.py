"""Sphinx extension: guess first, then look.

A chapter with a file in book/predict/ gets a switch under its title and, under the heading of each section, an empty
place for the section's questions. The questions themselves are in a script of their own, which a page loads when a
reader turns the switch on: those in the file, and before them what shape each line makes (`cards`).
"""

import hashlib
import json
from html import escape
from pathlib import Path

import predictions
import yaml
from docutils import nodes
from editions.outputs import in_edition
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.osutil import relative_uri

from . import cards, words

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[3]
EXERCISES = "try-it-yourself"  # which ask questions of their own


def setup(app):
    app.add_transform(Places)
    app.connect("env-purge-doc", lambda app, env, docname: env.metadata[docname].pop("predict", None))
    app.connect("build-finished", write_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Places(SphinxTransform):
    """Puts the switch and the places for questions into a chapter, and keeps its questions with the page's metadata."""

    default_priority = 615  # after the sections have their anchors (600)

    def apply(self):
        docname = self.env.docname
        written = written_for(docname)
        sections = list(self.document.findall(nodes.section))
        if not written or not sections:
            return
        by_anchor = {section["ids"][0]: section for section in sections}
        explaining = [anchor for anchor, section in by_anchor.items() if explains(section)]
        self.complain(written, by_anchor, [anchor for anchor in explaining if anchor not in written])
        edition = self.config.edition
        try:
            asked = {
                anchor: questions(anchor, written[anchor], cards.of(section), edition)
                for anchor, section in by_anchor.items() if anchor in written
            }
        except predictions.PredictionError as error:
            logger.warning("%s", error, location=docname)
            return
        script = f"globalThis.bookPredictions={compact({'words': words.of(edition), 'sections': asked})}\n"
        self.env.metadata[docname]["predict"] = script
        for anchor, section in by_anchor.items():
            if anchor in asked:
                section.insert(1, nodes.raw("", '<div class="predict"></div>', format="html"))
        sections[0].insert(1, nodes.raw("", self.switch(docname, script), format="html"))

    def complain(self, written, sections, missing):
        file = predictions.file_of(self.env.docname)
        unknown = [anchor for anchor in written if anchor not in sections]
        if unknown:
            logger.warning("%s", words.UNKNOWN.format(file=file, anchors=", ".join(unknown)), location=self.env.docname)
        if missing:
            logger.warning("%s", words.MISSING.format(file=file, anchors=", ".join(missing)), location=self.env.docname)

    def switch(self, docname, script):
        own = self.app.builder.get_target_uri(docname)
        # Its name changes with it: a browser may keep the script of another day.
        address = f"{relative_uri(own, script_name(docname))}?v={hashlib.sha256(script.encode()).hexdigest()[:8]}"
        say = words.of(self.config.edition)
        text = {key: escape(in_edition(*value, self.config.edition)) for key, value in words.SWITCH.items()}
        return (
            f'<div class="predict-bar" data-questions="{escape(address)}" data-chapter="{escape(docname)}"'
            f' data-lost="{escape(joined(say["lost"]))}">'
            f'<button type="button" role="switch" aria-checked="false">{text["name"]}</button>'
            f'<p><span class="predict-says" data-off="{text["off"]}" role="status">{text["off"]}</span> '
            f'<button type="button" class="predict-reset" hidden>{text["reset"]}</button></p></div>'
        )


def explains(section):
    """Whether a section has prose of its own, and is no exercise."""
    own = [child for child in section.children[1:] if not isinstance(child, nodes.section)]
    prose = any(
        isinstance(node, nodes.paragraph) and "cell" not in inside(node, section)
        for child in own for node in child.findall(nodes.paragraph)
    )
    return prose and section["ids"][0] != EXERCISES


def inside(node, section):
    """The classes of what stands between a node and its section."""
    found = []
    while (node := node.parent) is not section:
        found += node.get("classes", ())
    return found


def written_for(docname):
    """The chapter's questions as they are written, which book/build.py has checked; {} where there are none."""
    path = ROOT / predictions.file_of(docname)
    if not docname.startswith("notebooks/") or not path.exists():
        return {}
    return yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}


def questions(anchor, written, walked, edition):
    """What a section asks, in the words of an edition: [{"ask": …, "choices": [{"text", "right" or "because"}, …]}]."""
    asked = [cards.shape_question(card) for card in walked if cards.has_shape(card)]
    asked += [
        cards.number_question(question, walked, anchor) if "number" in question else choice_question(question)
        for question in written
    ]
    return [
        {
            "ask": spoken(question["ask"], edition),
            "choices": [
                {key: value if key == "right" else spoken(value, edition) for key, value in choice.items()}
                for choice in question["choices"]
            ],
        }
        for question in asked
    ]


def choice_question(question):
    choices = [{"text": question["right"], "right": True}]
    choices += [{"text": wrong["answer"], "because": wrong["because"]} for wrong in question["wrong"]]

    def chance(choice):  # the same in every edition and every build, and no hint
        return hashlib.sha256(repr([question["ask"], choice["text"]]).encode()).hexdigest()

    return {"ask": question["ask"], "choices": sorted(choices, key=chance)}


def spoken(text, edition):
    """A text as the edition shows it: one string, or in the edition with both languages the two, where they differ."""
    if not isinstance(text, dict):
        return str(text)
    return [text["zh"], text["en"]] if edition == "both" else text[edition]


def joined(text):
    return text if isinstance(text, str) else " · ".join(text)


def compact(data):
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def script_name(docname):
    return f"predict/{docname.removeprefix('notebooks/')}.js"


def write_scripts(app, exception):
    """At `build-finished`: the questions of each chapter."""
    if exception or app.builder.format != "html":
        return
    for docname, metadata in app.env.metadata.items():
        if script := metadata.get("predict"):
            path = Path(app.outdir, script_name(docname))
            path.parent.mkdir(exist_ok=True)
            path.write_text(script, encoding="utf-8")

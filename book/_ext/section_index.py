"""Sphinx extension: what the site's own search knows: a document for each section, in a script that file:// loads, too.

The script assigns `bookSections`; book/find/ makes an index of it in the browser. Sphinx's own index is not made.
"""

import json
import re
from pathlib import Path

import yaml
from docutils import nodes
from editions.pages import language_of

ROOT = Path(__file__).resolve().parents[2]
FILE = "sections.js"
# What a card says of a line that failed.
CARD_ERROR = re.compile(r'<(?:div|p) class="lw-error">(.*?)</(?:div|p)>', re.DOTALL)
TAG = re.compile(r"<[^>]+>")
SPACE = re.compile(r"\s+")


def setup(app):
    app.connect("builder-inited", leave_sphinxs_index_out)
    app.connect("doctree-read", note_sections)
    app.connect("env-purge-doc", lambda app, env, docname: env.metadata[docname].pop("search_sections", None))
    app.connect("build-finished", write_sections)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def leave_sphinxs_index_out(app):
    app.builder.search = False


def note_sections(app, doctree):
    """At `doctree-read`: keeps what each section of a page says with the page's metadata."""
    app.env.metadata[app.env.docname]["search_sections"] = [
        document_of(section) for section in doctree.findall(nodes.section)
    ]


def document_of(section):
    """title: with `code` for one that is a line of code. text: prose, a sentence or item a line. code: what cells hold.

    said: what they print. Of sections within it, nothing.
    """
    title = section[0]
    found = {"text": [], "code": [], "said": []}
    for child in section.children[1:]:
        if not isinstance(child, nodes.section):
            gather(child, found)
    (only, *more) = title.children
    document = {
        "anchor": section["ids"][0],
        "title": SPACE.sub(" ", title.astext()),
        "level": depth(section),
        **{name: "\n".join(dict.fromkeys(lines)) for name, lines in found.items()},
    }
    if isinstance(only, nodes.literal) and not more:
        document["line"] = only.astext()
    if language := language_of(section):
        document["lang"] = language
    return document


def gather(node, found):
    classes = node.get("classes", ()) if isinstance(node, nodes.Element) else ()
    if "cell" in classes and "tag_bootstrap" in classes:
        return
    if isinstance(node, nodes.literal_block):
        inside_output = any(isinstance(parent, nodes.container) and "cell_output" in parent.get("classes", ())
                            for parent in ancestors(node))
        found["said" if inside_output else "code"].append(node.astext())
    elif isinstance(node, nodes.raw):
        found["said"] += [SPACE.sub(" ", TAG.sub(" ", error)) for error in CARD_ERROR.findall(node.astext())]
    elif isinstance(node, (nodes.paragraph, nodes.math_block, nodes.term, nodes.caption, nodes.entry)):
        text = SPACE.sub(" ", node.astext()).strip()
        if text:
            found["text"].append(text)
    elif isinstance(node, nodes.Element):
        for child in node.children:
            gather(child, found)


def ancestors(node):
    while node := node.parent:
        yield node


def depth(section):
    return sum(isinstance(node, nodes.section) for node in ancestors(section))


def write_sections(app, exception):
    """At `build-finished`: the documents of all pages, in the order of the table of contents."""
    if exception or app.builder.format != "html":
        return
    env = app.env
    asked = yaml.safe_load((ROOT / "book" / "asked.yml").read_text(encoding="utf-8"))
    languages = [app.config.edition] if app.config.edition in ("zh", "en") else ["zh", "en"]
    pages = []
    for docname in [app.config.root_doc, *env.toctree_includes.get(app.config.root_doc, [])]:
        metadata = env.metadata.get(docname, {})
        if sections := metadata.get("search_sections"):
            pages.append({
                "address": app.builder.get_target_uri(docname),
                "title": env.titles[docname].astext(),
                "subjects": list(dict.fromkeys(subject["source"] for subject in metadata.get("subjects", []))),
                "sections": [
                    {**section, "asked": "\n".join(
                        question
                        for language in languages
                        for question in asked.get(f"{docname}#{section['anchor']}", {}).get(language, [])
                    )}
                    for section in sections
                ],
            })
    same = yaml.safe_load((ROOT / "book" / "synonyms.yml").read_text(encoding="utf-8"))
    found = json.dumps({"same": same, "pages": pages}, ensure_ascii=False, separators=(",", ":"))
    Path(app.outdir, FILE).write_text(f"globalThis.bookSections={found}\n", encoding="utf-8")

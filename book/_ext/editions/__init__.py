"""Sphinx extension: one notebook, three editions.

`edition` in the configuration is zh, en or both. Cells are picked as a source is read (`cells`), sections get the same
anchors in every edition (`anchors`), outputs get the edition's words and their pictures become files (`outputs`), and
every page knows its two sisters (`pages`).
"""

from . import anchors, cells, outputs, pages


def setup(app):
    app.add_config_value("edition", "both", "env", [str])
    app.add_config_value("repository", {}, "html", [dict])
    app.connect("source-read", cells.pick_source)
    app.add_transform(anchors.SectionAnchors)
    app.add_transform(outputs.FoldedCells)
    app.add_transform(outputs.OutputLanguage)
    app.connect("config-inited", pages.pick_captions, priority=900)
    app.connect("doctree-resolved", outputs.images_to_files)
    app.connect("html-page-context", pages.add_editions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

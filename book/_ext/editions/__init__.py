"""Sphinx extension: one notebook, three editions.

`edition` in the configuration is zh, en or both. Cells are picked as a source is read (`cells`), sections get the same
anchors in every edition (`anchors`), outputs get the edition's words and their pictures become files (`outputs`),
sections lead to their source (`improve`), the theme speaks the edition's language (`words`) and is stripped to what is
used (`assets`), and every page tells the browser what it is, and where its sisters are (`pages`).
"""

from . import anchors, assets, cells, improve, outputs, pages, shared, templates


def setup(app):
    app.add_config_value("edition", "both", "env", [str])
    app.add_config_value("repository", {}, "html", [dict])
    app.connect("source-read", cells.pick_source)
    app.add_transform(anchors.SectionAnchors)
    app.add_transform(outputs.ReadableOutputs)
    app.connect("env-updated", shared.pages_to_write)
    app.connect("config-inited", pages.pick_captions, priority=900)
    app.connect("builder-inited", assets.forget_late_style)
    app.connect("builder-inited", templates.keep_compiled)
    app.connect("html-page-context", assets.name_styles)
    app.connect("html-page-context", improve.add_links)
    app.connect("html-page-context", pages.add_editions)
    app.connect("html-page-context", pages.add_content)
    app.connect("html-page-context", pages.drop_unused, priority=900)
    app.connect("html-page-context", pages.hold_scripts_back, priority=900)
    app.connect("build-finished", assets.rewrite)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

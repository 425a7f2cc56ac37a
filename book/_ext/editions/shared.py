"""What pages show of each other: when it changes, all are written anew, so that a build leaves what a first one would.

Titles stand in every page's sidebar, sections in the columns and links of other pages, and the style sheets and scripts
in every address that names them by their content. Sphinx itself writes only the pages whose own source has changed.
"""

import hashlib
from pathlib import Path


def pages_to_write(app, env):
    """At `env-updated`: every page, where what they share is not what it was."""
    before, env.shared_by_pages = getattr(env, "shared_by_pages", None), shared(app, env)
    return [] if before == env.shared_by_pages else sorted(env.found_docs)


def shared(app, env):
    pages = [
        (
            name,
            env.titles[name].pformat(),
            [(anchor, title) for _, anchor, title in env.metadata[name].get("myst_slugs", {}).values()],
            env.metadata[name].get("subjects"),
        )
        for name in sorted(env.found_docs)
    ]
    labels = [sorted(env.domaindata["std"][kind].items()) for kind in ("labels", "anonlabels")]
    files = [
        (path.name, path.read_bytes())
        for folder in app.config.html_static_path
        for path in sorted(Path(app.confdir, folder).rglob("*")) if path.is_file()
    ]
    return hashlib.sha256(repr([pages, labels, env.toctree_includes, files]).encode()).hexdigest()

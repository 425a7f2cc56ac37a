"""Sphinx extension: links to the playground with settings, `[…](../book/playground.md#stride=2&version=v1)`.

What follows the # is a state of that page and no section of it, for which MyST would look in vain.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

PLAYGROUND = "book/playground"


def setup(app):
    app.add_post_transform(PlaygroundLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class PlaygroundLinks(SphinxPostTransform):
    """Makes a plain link of each reference to a state."""

    default_priority = 8  # MyST resolves references to documents at 9

    def run(self, **options):
        for reference in list(self.document.findall(addnodes.pending_xref)):
            state = reference.get("reftargetid") or ""
            if reference.get("reftarget") == PLAYGROUND and "=" in state:
                page = self.app.builder.get_relative_uri(reference["refdoc"], PLAYGROUND)
                reference.replace_self(
                    nodes.reference("", "", *reference.children, internal=True, refuri=f"{page}#{state}")
                )

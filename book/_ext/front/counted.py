"""What the book can be trusted by, in numbers that the build works out."""

import ast
import json
from importlib.metadata import version

from code_column import statement_targets


def note_checks(app, docname, source):
    """At `source-read`: keeps with a chapter's metadata how many assertions it makes. They held, or it were no page."""
    if str(app.env.doc2path(docname)).endswith(".ipynb"):
        cells = json.loads(source[0])["cells"]
        app.env.metadata[docname]["checks"] = sum(map(assertions, filter(is_check, cells)))


def is_check(cell):
    return cell["cell_type"] == "code" and "check" in cell["metadata"].get("tags", [])


def assertions(cell):
    try:
        tree = ast.parse("".join(cell["source"]))
    except SyntaxError:  # what only IPython understands
        return 0
    return sum(isinstance(node, ast.Assert) for node in ast.walk(tree))


def figures(env):
    """lines: those of the code that have a section. checks: assertions that held."""
    return {
        "lines": len(statement_targets(env)),
        "checks": sum(metadata.get("checks", 0) for metadata in env.metadata.values()),
        "torch": version("torch").partition("+")[0],
    }

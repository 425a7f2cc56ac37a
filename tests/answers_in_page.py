"""Runs an assignment's cells as its page does, for in_node.py; needs nothing but what Python in the page has."""

import json

import cells

_FRESH = dict(cells._space)


def told(codes, case):
    """Everything that each cell prints, by the cell's id, an error's last line included.

    Args:
        codes: (id, grade_id or None, source) of each cell. case: grade_id → source of what a student wrote instead.
    """
    cells._space.clear()
    cells._space.update(_FRESH)
    return {name: _printed(case.get(grade_id, source)) for name, grade_id, source in codes}


def _printed(code):
    heard = []
    cells.run(code, lambda message: heard.append(json.loads(message)))
    texts = {"stream": lambda content: content["text"], "error": lambda content: f"{content['traceback'][-1]}\n"}
    return "".join(texts[kind](content) for kind, content in heard if kind in texts)

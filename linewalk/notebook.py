"""How a notebook shows a trail and its steps: as their drawings, which are loaded when the first of them is shown."""

from .trail import Step, Trail


def _card(step):
    from .draw import card

    return card(step)


def _table(trail):
    from .draw import trail_table

    return trail_table(trail)


def show_drawings():
    """Give steps and trails the method that notebooks ask for; what they hold knows nothing of drawing."""
    Step._repr_html_, Trail._repr_html_ = _card, _table

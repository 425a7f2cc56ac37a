"""`display` and what it is given, as in a notebook: what it shows goes to whoever runs the cell."""

from torch._lacking import lacking_names

__getattr__ = lacking_names("IPython.display")
shown = None  # takes whatever is displayed: (type of message, its content)


class _Data:
    """Args: data: text, shown as `_repr_…_` says."""

    def __init__(self, data):
        self.data = data

    def __repr__(self):
        return f"<IPython.core.display.{type(self).__name__} object>"


class HTML(_Data):
    def _repr_html_(self):
        return self.data


class SVG(_Data):
    def _repr_svg_(self):
        return self.data


class Pretty(_Data):
    def __repr__(self):
        return self.data


def display(*objects):
    from cells import content_of

    for one in objects:
        shown("display_data", content_of(one))


def clear_output(wait=False):
    shown("clear_output", {"wait": wait})

"""What a cell shows: `HTML("<svg …>")`."""


class HTML:
    def __init__(self, data):
        self.data = data

    def _repr_html_(self):
        return self.data

    def __repr__(self):
        return "<IPython.core.display.HTML object>"

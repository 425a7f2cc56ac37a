"""Whether a page with a student's cell is made in good time: Markdown and highlighting take forever on some texts.

Formgrader and the feedback page are both nbconvert's work, Formgrader in the teacher's Jupyter server with no limit.
"""

import signal
import time

SHORT = 2000  # letters, on which even the worst text takes no time
SECONDS = 2  # for a cell
ALTOGETHER = 10  # for a notebook


class TooSlow(Exception):
    """The time is over."""


def first_that_is_not(cells):
    """The place of the first cell that takes too long, by itself or with those before it; None where all are shown."""
    left = ALTOGETHER
    for place, cell in enumerate(cells):
        began = time.process_time()
        if not is_showable(cell, min(SECONDS, left)):
            return place
        left -= time.process_time() - began
        if left <= 0:
            return place
    return None


def is_showable(cell, seconds):
    if len(cell.source) <= SHORT or cell.cell_type not in ("code", "markdown"):
        return True
    from nbconvert.filters.highlight import Highlight2HTML
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
    from nbconvert.filters.strings import strip_files_prefix

    if cell.cell_type == "code":
        return in_time(Highlight2HTML(), cell.source, seconds=seconds)
    renderer = IPythonRenderer(escape=False, attachments=cell.get("attachments", {}))

    def shown():  # as nbconvert's templates do
        strip_files_prefix(MarkdownWithMath(renderer=renderer).render(cell.source))

    return in_time(shown, seconds=seconds)


def in_time(function, *arguments, seconds=SECONDS):
    """Whether a function ends within seconds of computing; in the main thread of a process only."""

    def too_slow(*_):
        raise TooSlow

    before = signal.signal(signal.SIGPROF, too_slow)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        function(*arguments)
    except (TooSlow, RecursionError):
        return False
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return True

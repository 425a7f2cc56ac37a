"""Text that every file can hold, whatever a student wrote."""

import re

UNWRITABLE = re.compile("[\ud800-\udfff\0]")


def writable(text):
    """With a mark instead of what no file in UTF-8 can hold, and of zero bytes, which end a text for some programs."""
    return UNWRITABLE.sub("\ufffd", text)


def harmless(cell):
    """A cell that no spreadsheet takes for a formula; without its first ' it is what it was."""
    return f"'{cell}" if re.match(r"\s*[-=+@＝＋－＠'\t\r]", str(cell)) else cell

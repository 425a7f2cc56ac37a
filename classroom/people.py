"""Where each student's part of a class's exchange lies.

Students neither see nor name each other's: a server is given its own part only. Names go into paths quoted.
"""

from pathlib import Path
from urllib.parse import quote, unquote


def folder_of(exchange, student):
    return Path(exchange) / "people" / quote(student, safe="").replace(".", "%2E")


def students(exchange):
    """name → folder"""
    return {unquote(folder.name): folder for folder in sorted(Path(exchange, "people").iterdir())}

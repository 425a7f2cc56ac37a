"""Sentences for people: every message in Chinese and English."""

import re
import sys
from html import escape
from typing import NamedTuple


class Bilingual(NamedTuple):
    """One thing said in both languages."""

    zh: str
    en: str

    def __str__(self):
        return f"{self.zh}\n{self.en}"

    def html(self):
        """Both as `<span lang=…>` elements, with what stands in backticks as code; a site edition keeps one."""
        zh, en = (re.sub(r"`(.+?)`", r"<code>\1</code>", escape(text)) for text in self)
        return f'<span lang="zh">{zh}</span><span lang="en">{en}</span>'


class WalkError(TypeError):
    """What was handed over cannot be walked; the message says what to hand over instead."""

    def __init__(self, zh, en):
        super().__init__(str(Bilingual(zh, en)))


class WeightsError(ValueError):
    """There are no such weights, or they cannot be had here; the message says which can."""

    def __init__(self, zh, en):
        super().__init__(str(Bilingual(zh, en)))


class ImageError(ValueError):
    """A picture could not be read; the message says which kinds can."""

    def __init__(self, zh, en):
        super().__init__(str(Bilingual(zh, en)))


def add_note(error, text):
    """Attach `text` to an exception that goes on to its own handler (PEP 678)."""
    if hasattr(error, "add_note"):
        BaseException.add_note(error, text)  # its class may have written an `add_note` of its own
    else:  # Python 3.10 neither has notes nor prints them
        error.__notes__ = [*getattr(error, "__notes__", []), text]
        print(text, file=sys.stderr)

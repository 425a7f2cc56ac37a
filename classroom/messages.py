"""Reads what a student's process sends, and refuses what would take this process's memory or break it.

A text of 60 million empty lists has 180 MB and becomes 4 GB of objects, so sizes are looked at before there are any.
"""

import json
import re

MAX_VALUES = 100_000
MAX_DEPTH = 60

STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # an unclosed one, too: in linear time
LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class TooMuch(Exception):
    """More than is taken from a student's process, or nothing that can be read."""


def read_json(text):
    """The value of a JSON text, with a question mark for half a character, which no file could take."""
    brackets = text.count(b"[") + text.count(b"{")
    if brackets > MAX_DEPTH or text.count(b",") > MAX_VALUES - MAX_DEPTH:
        check_structure(STRING.sub(b"", text))
    try:
        value = json.loads(text.decode("utf-8", "replace"))
        if LONE_SURROGATE.search(text):
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise TooMuch(f"unreadable ({type(error).__name__})") from None
    return value


def check_structure(bare):
    """Raises TooMuch for a JSON text, here without its strings, that has too many values or nests too deep."""
    if bare.count(b",") + bare.count(b"[") + bare.count(b"{") > MAX_VALUES:
        raise TooMuch("too many values")
    depth = 0
    for bracket in re.findall(rb"[\[\]{}]", bare):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise TooMuch("nested too deep")

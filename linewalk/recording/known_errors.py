"""What to do about errors of PyTorch and Python that beginners meet, told by what they say: `known_errors.toml`."""

import functools
import re
from importlib.resources import files

from ..errors import Bilingual

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib


def advice(said):
    """What to do about an error that says `said`, in both languages; None where that is not known."""
    for pattern, zh, en in _known():
        found = pattern.search(said)
        if found:
            return Bilingual(zh.format(*found.groups()), en.format(*found.groups()))
    return None


@functools.cache
def _known():
    text = files(__package__).joinpath("known_errors.toml").read_text(encoding="utf-8")
    return [(re.compile(one["says"], re.DOTALL), one["zh"], one["en"]) for one in tomllib.loads(text)["error"]]

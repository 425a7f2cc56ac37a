"""What is known of layers, functions, methods and Python: read from `knowledge/*.toml`.

An entry:

    names     what it is called: "nn.Conv2d", "F.relu", "Tensor.view", "python.if"
    section   where the book explains it, "02_init#super" as in sections.toml, or nothing
    called    the same of the line that calls it, where that is another
    args      the parameters by name, in order, where Python cannot tell (functions written in C)
    claim     code that runs with `torch`, `nn` and `F` at hand and asserts what the sentences say
    build     sentences for the line that makes such a layer
    call      sentences for the line that calls it

A sentence holds `zh` and `en` with slots for facts, `when` (a Python expression over the facts; always, if left out),
`behind` (true: shown on demand) and a `section` of its own, where it has one. A sentence with a slot for which there is
no fact is left unsaid.
"""

import functools
import re
import string
from dataclasses import dataclass
from importlib.resources import files

from ..errors import Bilingual

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib


@dataclass(frozen=True)
class Sentence:
    """Something said in both languages.

    behind: only on demand; item: one of several parts of a line; section: where the book explains it, or None.
    """

    zh: str
    en: str
    behind: bool = False
    item: bool = False
    section: str | None = None


@dataclass(frozen=True)
class Entry:
    """What is known of one thing; see the head of this file."""

    names: tuple
    section: str | None
    called: str | None
    args: tuple
    claim: str | None
    build: tuple
    call: tuple

    def say(self, part, facts):
        """The sentences of `build` or `call` that hold of these facts and have all they need."""
        said, section = [], self.section if part == "build" else self.called or self.section
        for template in getattr(self, part):
            if not _holds(template.get("when", "True"), facts):
                continue
            words = [fill(template[language], facts, language) for language in ("zh", "en")]
            if None not in words:
                words[0] = _SHAPELESS.sub(lambda found: _IN_CHINESE[found[0]], words[0])
                words[1] = _ONE.sub(lambda found: f"1 {_SINGULAR.get(found[1], found[1][:-1])}", words[1])
                words[1] = _PLURAL.sub(lambda found: found[1] + {"become": "becomes", "are": "is"}[found[2]], words[1])
                behind, place = template.get("behind", False), template.get("section", section)
                said.append(Sentence(*words, behind=behind, section=place))
        return said


@functools.cache
def entries():
    """All entries, as they stand in the files."""
    found = []
    for file in sorted(files(__package__).joinpath("knowledge").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            for data in tomllib.loads(file.read_text(encoding="utf-8")).get("entry", ()):
                found.append(
                    Entry(
                        tuple(data["names"]),
                        data.get("section"),
                        data.get("called"),
                        tuple(data.get("args", ())),
                        data.get("claim"),
                        tuple(data.get("build", ())),
                        tuple(data.get("call", ())),
                    )
                )
    return tuple(found)


@functools.cache
def _by_name():
    return {name: entry for entry in entries() for name in entry.names}


def entry(name):
    """The entry for a public name, or None."""
    return _by_name().get(name)


def say(name, facts, part="call"):
    """The sentences of an entry, as `Entry.say`; none where there is no entry."""
    known = entry(name)
    return known.say(part, facts) if known else []


def words(name, **facts):
    """The first sentence of an entry that is always there, as `Bilingual`."""
    first = say(name, facts)[0]
    return Bilingual(first.zh, first.en)


_SINGULAR = {"biases": "bias", "classes": "class"}
_COUNTED = "layers channels numbers parameters biases steps heads rows groups times tensors pieces bytes samples"
_PLURAL = re.compile(r"( 1 (?:channel|number)(?: of the last dimension)? )(become|are)\b")
_ONE = re.compile(rf"(?<![\d,.×])1 ({_COUNTED.replace(' ', '|')})\b")


# What stands for a tensor's shape where it has none, outside of code.
_IN_CHINESE = {"scalar": "标量", "sparse": "稀疏张量", "nested": "嵌套张量"}
_SHAPELESS = re.compile(rf"(?<![\w`])({'|'.join(_IN_CHINESE)})(?![\w`])(?=(?:[^`]*`[^`]*`)*[^`]*$)")


class Row(tuple):
    """Texts in a row: "a、b" in Chinese, "a, b" in English."""


def fill(template, facts, language):
    """`template` with its slots filled, or None where a fact is missing.

    `{kernel_size!x}` joins with ×, `{dim!l}` makes a list; any other tuple of equal numbers is said as one.
    """
    try:
        return _FORMATTERS[language].vformat(template, (), facts)
    except (KeyError, AttributeError, IndexError, TypeError, ValueError):
        return None


class _Formatter(string.Formatter):
    def __init__(self, comma):
        self._comma = comma

    def convert_field(self, value, conversion):
        if conversion == "x":
            return "×".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
        if conversion == "l":
            return self._comma.join(map(str, value))
        value = super().convert_field(value, conversion)
        if isinstance(value, Row):
            return self._comma.join(value)
        if isinstance(value, (tuple, list)) and value:
            return value[0] if len(set(value)) == 1 else "×".join(map(str, value))
        return value

    def format_field(self, value, spec):
        if value is None and not spec:
            raise KeyError("no fact")
        return super().format_field(value, spec)


_FORMATTERS = {"zh": _Formatter("、"), "en": _Formatter(", ")}


@functools.cache
def _compiled(condition):
    return compile(condition, "<when>", "eval")


def _holds(condition, facts):
    try:
        return bool(eval(_compiled(condition), {"__builtins__": _BUILTINS, **facts}))
    except Exception:  # a fact that this condition needs is not there: nothing is said
        return False


_BUILTINS = {
    name: __builtins__[name] if isinstance(__builtins__, dict) else getattr(__builtins__, name)
    for name in ("len", "all", "any", "set", "isinstance", "int", "float", "bool", "str", "tuple", "max", "min")
}

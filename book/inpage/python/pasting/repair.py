"""Pasted text becomes Python again: what web pages, chats and terminals do to code is undone, step by step."""

import ast
import html
import itertools
import json
import re
import textwrap
from dataclasses import dataclass, field

from .restore import indented, split_into_lines
from .sentences import REPAIRS, lost_indentation, syntax

_WIDE = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {  # each of ASCII has a wide form
    ord("。"): ".",
    ord("、"): ",",
    ord("【"): "[",
    ord("】"): "]",
    ord("「"): '"',
    ord("」"): '"',
    ord("—"): "-",
    ord("–"): "-",
    ord("−"): "-",
    ord("×"): "*",
}
_CURLY = {ord(curly): plain for curly, plain in zip("“”„‘’‚", "\"\"\"'''", strict=True)}
_SPACES = {ord(space): " " for space in "\u00a0\u3000\u2002\u2003\u2009\u202f"} | {
    ord(mark): None for mark in "\u200b\u200c\u200d\ufeff\u2060\u00ad"
}
_LIGATURES = {ord(joined): letters for joined, letters in zip("ﬀﬁﬂﬃﬄ", ("ff", "fi", "fl", "ffi", "ffl"), strict=True)}
_HEAD = re.compile(
    r"^\s*(?:import\s+\w|from\s+[\w.]+\s+import\b|class\s+\w+|def\s+\w+\s*\(|@\w|#|[A-Za-z_]\w*\s*=(?!=))"
)
_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.|In \[\d*\]:|\.\.\.:)(?: |$)")
_CAPITAL = re.compile(
    r"^[ \t]*(?:Class|Def|Return|Import|From|If|Elif|Else|For|While|With|Try|Except|Super|Self|Print)\b", re.MULTILINE
)
_GOES_ON = re.compile(r"\s*\.\.\.:?(?: |$)")
_NUMBER = re.compile(r"^\s*[Ll]?(\d{1,5})(?:\s*[|│:.)\]]|\t|(?= {1,})|$)")
_NUMBER_BEHIND = re.compile(r"(?:^|\s+|\|)(\d{1,5})\s*$")
_TAG = re.compile(
    r"</?(?:pre|code|span|div|p|br|table|tbody|tr|td|ol|ul|li|font|strong|em|b|i|a|h[1-6])\b[^<>]*>", re.IGNORECASE
)
_DIFF_HEAD = re.compile(r"(?:diff --git |index [0-9a-f]+\.\.|--- |\+\+\+ |@@ -\d|new file mode|\\ No newline)")
_TRACEBACK = re.compile(r"^.*Traceback \(most recent call last\)", re.MULTILINE)
_CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_MOST_LINES_DROPPED = 40
_AROUND_CODE = ("fences", "tags", "prompts", "diff", "prose")  # what Python that is whole has in its own texts only


@dataclass
class Repaired:
    """source: Python that parses, or None; remarks: what was mended; failure: a sentence, where nothing helped."""

    source: str | None
    remarks: list = field(default_factory=list)
    failure: object = None
    tree: object = None


def repaired(text):
    """Pasted text as Python, with what was done to it."""
    remarks = []

    def note(name):
        if REPAIRS[name] not in remarks:
            remarks.append(REPAIRS[name])

    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    for name, change in (
        ("notebook", _cells_of_a_notebook),
        ("escapes", _with_real_line_breaks),
        ("spaces", lambda t: t.translate(_SPACES)),
        ("ligatures", lambda t: t.translate(_LIGATURES)),
        ("fences", _without_fences),
        ("tags", _without_tags),
        ("prompts", _without_quotation_marks),
        ("prompts", _without_prompts),
        ("diff", _without_diff),
        ("prompts", _without_bars),
        ("prompts", _without_numbers),
        ("prompts", _without_numbers),  # of two versions, side by side
        ("prompts", _without_numbers_behind),
        ("prose", _without_traceback),
        ("comments", _uncommented),
        ("super", _with_plain_super),
    ):
        changed = change(text)
        if changed != text and not (name in _AROUND_CODE and _holds_a_class(text)):
            text = changed
            note(name)
    tree = parsed(text)
    for name, change in (
        ("dedent", textwrap.dedent),
        ("entities", html.unescape),
        ("magics", _without_magics),
        ("prose", _from_the_code_on),
        ("prose", _without_words_behind),
        ("quotes", lambda t: _outside_strings(t, _CURLY)),
        ("wide", lambda t: _outside_strings(t, _WIDE)),
        ("tabs", _with_tabs_expanded),
        ("dedent", textwrap.dedent),
        ("capitals", _with_small_letters),
        ("colons", _with_colons),
        ("print", _without_old_prints),
    ):
        if tree is None:
            changed = change(text)
            if changed != text:
                text, tree = changed, parsed(changed)
                note(name)
    if tree is None:
        text, tree = _restored(text, note)
    if tree is not None:
        shorter = _without_glued_words(text, tree)
        if shorter != text:
            text, tree = shorter, parsed(shorter)
            note("prose")
    text, renamed = _with_underscores(text)
    if renamed:
        note("init")
        tree = parsed(text)
    if tree is None:
        return Repaired(None, remarks, _failure(text))
    return Repaired(text, remarks, None, tree)


def parsed(text):
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError):
        return None


def _holds_a_class(text):
    tree = parsed(text)
    return tree is not None and any(isinstance(node, ast.ClassDef) for node in tree.body)


def _restored(text, note):
    """Words cut away, then line breaks and indentation put back."""
    shorter, tree = _without_prose(text)
    if tree is not None:
        note("prose")
        return shorter, tree
    for name, change in (("lines", split_into_lines), ("indentation", indented)):
        for candidate in (text, shorter):
            changed = change(candidate)
            if changed is None:
                continue
            tree = parsed(changed)
            if tree is None:
                changed, tree = _without_prose(changed)
                if tree is not None:
                    note("prose")
            if tree is not None and any(isinstance(node, ast.ClassDef) and len(node.body) for node in tree.body):
                note(name)
                return changed, tree
    return text, None


# marks around code


def _without_fences(text):
    blocks = re.findall(r"^[ \t]*(?:```|~~~)[^\n]*\n(.*?)^[ \t]*(?:```|~~~)[ \t]*$", text, re.DOTALL | re.MULTILINE)
    if blocks:
        return "\n".join(textwrap.dedent(block) for block in blocks)
    return re.sub(r"^[ \t]*(?:```|~~~)\w*[ \t]*\n?", "", text, flags=re.MULTILINE)


def _without_tags(text):
    bare = _TAG.sub("", text)
    is_page = re.search(r"</(?:pre|code|span|div|td|p)>", text) and re.search(r"\bclass\s+\w+\s*[(:]", bare)
    return html.unescape(bare) if is_page else text


def _cells_of_a_notebook(text):
    """The code of an `.ipynb` file."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        return "\n\n".join(source if isinstance(source, str) else "".join(source) for source in sources)
    except (ValueError, TypeError, KeyError, RecursionError):
        return text


def _with_real_line_breaks(text):
    r"""Line breaks and quotes that came as `\n` and `\"`, out of a log or of JSON."""
    if text.strip().count("\n") > 1 or text.count("\\n") < 3:
        return text
    return text.strip().strip("\"'").replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"').replace("\\'", "'")


def _without_quotation_marks(text):
    """`> ` before every line, as mail and forums quote."""
    filled = [line for line in text.split("\n") if line.strip()]
    if len(filled) < 2 or not all(re.match(r"\s*> ?(?!>>)", line) for line in filled):
        return text
    return "\n".join(re.sub(r"^\s*> ?", "", line) for line in text.split("\n"))


def _without_prompts(text):
    """A session's code: its prompts go, and with them what was put out: behind `Out[4]:`, or, where the lines that go
    on have prompts as well, all that has none."""
    lines = text.split("\n")
    if not any(re.match(r"^\s*(?:>>>|In \[\d*\]:)", line) for line in lines):
        return text
    is_prompted = any(_GOES_ON.match(line) for line in lines) and not any(line.startswith("class ") for line in lines)
    kept, has_begun, is_output = [], False, False
    for line in lines:
        if _PROMPT.match(line):
            has_begun, is_output = True, False
        else:
            is_output = is_output or (is_prompted and has_begun) or re.match(r"\s*Out\[\d*\]:", line)
        kept.append("" if is_output else _PROMPT.sub("", line, count=1))
    return "\n".join(kept)


def _without_bars(text):
    """The bars of a table around every line."""
    lines = text.split("\n")
    filled = [line.strip() for line in lines if line.strip()]
    if len(filled) < 2 or not all(line.startswith("|") and line.endswith("|") for line in filled):
        return text
    return "\n".join(line.strip().strip("|") for line in lines)


def _without_numbers(text):
    """Line numbers: nearly every line begins with one, and they count up."""
    lines = text.split("\n")
    filled = [line for line in lines if line.strip()]
    found = [(_NUMBER.match(line), line) for line in filled]
    numbers = [int(match[1]) for match, _ in found if match]
    if len(numbers) < 3 or len(numbers) < 0.9 * len(filled):
        return text
    steps = [after - before for before, after in itertools.pairwise(numbers)]
    if sum(step == 1 for step in steps) < 0.8 * len(steps):
        return text
    bare = [_NUMBER.sub("", line, count=1) for line in lines]
    return textwrap.dedent("\n".join(bare))


def _without_numbers_behind(text):
    """Numbers at the ends of lines, as two-sided numbering leaves them."""
    lines = text.split("\n")
    filled = [line for line in lines if line.strip()]
    numbers = [int(match[1]) for match in map(_NUMBER_BEHIND.search, filled) if match]
    if len(numbers) < 3 or len(numbers) < 0.9 * len(filled):
        return text
    if any(after - before != 1 for before, after in itertools.pairwise(numbers)):
        return text
    return "\n".join(_NUMBER_BEHIND.sub("", line) for line in lines)


def _without_diff(text):
    """What a diff leads to: without its marks, its heads and the lines that it takes away."""
    lines = text.split("\n")
    filled = [line for line in lines if line.strip()]
    marked = all(line.startswith(("+", "-", " ")) for line in filled) and any(line.startswith("+") for line in filled)
    has_head = any(line.startswith("@@ -") for line in lines)
    if len(filled) < 2 or not (has_head or marked):
        return text
    heads = {place for place, line in enumerate(lines) if has_head and _DIFF_HEAD.match(line)}
    kept = [line for place, line in enumerate(lines) if place not in heads and not line.startswith("-")]
    return "\n".join(line[1:] if line.startswith(("+", " ")) else line for line in kept)


def _uncommented(text):
    """Code all of whose lines were made comments, or that stands in one string."""
    lines = text.strip().split("\n")
    filled = [line for line in lines if line.strip()]
    if "class " not in text:
        return text
    if all(line.startswith("#") for line in filled):
        return textwrap.dedent("\n".join(re.sub(r"^# ?", "", line) for line in lines))
    quoted = re.fullmatch(r"(\"{3}|'{3})(.*)\1", text.strip(), re.DOTALL)
    return textwrap.dedent(quoted[2]) if quoted and quoted[1] not in quoted[2] else text


def _without_traceback(text):
    """Without the error message that was pasted behind the code."""
    found = _TRACEBACK.search(text)
    return text[: found.start()] if found and re.search(r"^class ", text[: found.start()], re.MULTILINE) else text


def _with_plain_super(text):
    """`super(Net).__init__()` and `super.__init__()`, which run nothing of the base class's."""
    return re.sub(r"\bsuper\s*(?:\(\s*\w+\s*\))?\s*\.\s*__init__\s*\(", "super().__init__(", text)


def _without_magics(text):
    """Without a notebook's commands, `%timeit` and `!pip`, and without dots that stand for more."""
    return re.sub(r"^[ \t]*(?:[%!]+ ?[A-Za-z][^\n]*|\.{4,}|…+|\\(?:begin|end)\{[^\n]*)$", "", text, flags=re.MULTILINE)


def _with_tabs_expanded(text):
    """Tabs as spaces: as many as make it Python, editors differ."""
    ways = [text.expandtabs(size) for size in (4, 8, 2)]
    return next((way for way in ways if parsed(way) is not None), ways[0])


def _with_small_letters(text):
    """`Class`, `Def` and the like at the beginning of lines, which a phone or an office program made capital."""
    return _CAPITAL.sub(lambda found: found[0].lower(), text)


def _with_colons(text):
    """A `:` at the end of each head that lost it."""
    lines = text.split("\n")
    for _ in range(_MOST_LINES_DROPPED):
        try:
            ast.parse("\n".join(lines))
            break
        except (SyntaxError, ValueError, MemoryError) as error:
            if getattr(error, "msg", "") != "expected ':'" or not error.lineno:
                break
            code, mark, comment = lines[error.lineno - 1].partition("#")
            if code.rstrip().endswith(":"):
                break
            lines[error.lineno - 1] = f"{code.rstrip()}:{'  ' + mark + comment if mark else ''}"
    return "\n".join(lines)


def _from_the_code_on(text):
    """Without the words before the first line of code, on lines of their own or before `class` on its line."""
    lines = text.split("\n")
    first = next((place for place, line in enumerate(lines) if _HEAD.match(line)), None)
    inside = re.search(r"(?<![A-Za-z0-9_#'\"])class\s+\w+\s*(?:\([^)]*\))?\s*[:：]", text)
    if inside and (first is None or inside.start() < len("\n".join(lines[:first]))):
        return text[inside.start() :]
    return _outdented(lines[first:]) if first else text


def _outdented(lines):
    """Lines with as much less indentation as the first of them has, which words at the margin stand between."""
    margin = len(lines[0]) - len(lines[0].lstrip(" "))
    return "\n".join(re.sub(rf"^ {{0,{margin}}}", "", line) for line in lines)


def _without_words_behind(text):
    """Without the words behind the last line of code, a copyright notice or a question."""
    lines = text.split("\n")
    count = len(lines)
    while count > 1 and (not lines[count - 1].strip() or _is_only_words(lines[count - 1])):
        count -= 1
    return "\n".join(lines[:count]) if any(line.strip() for line in lines[count:]) else text


def _is_only_words(line):
    """Whether a line is prose or a rule across the page, and no part of it code."""
    return bool(re.fullmatch(r"\s*[-=_*~—─#]{3,}\s*", line)) or (_is_prose(line) and not _code_of(line))


def _outside_strings(text, table):
    """Characters replaced in code, not in strings and comments."""
    out, quote, place = [], None, 0
    while place < len(text):
        character = text[place]
        three = text[place : place + 3]
        if quote is None and character == "#":
            end = text.find("\n", place)
            end = len(text) if end < 0 else end
            out.append(text[place:end])
            place = end
            continue
        if quote is None and (three in ('"""', "'''") or character in "\"'"):
            quote = three if three in ('"""', "'''") else character
            out.append(quote)
            place += len(quote)
            continue
        if quote is not None and character == "\\":
            out.append(text[place : place + 2])
            place += 2
            continue
        if quote is not None and (text.startswith(quote, place) or (len(quote) == 1 and character == "\n")):
            out.append(text[place : place + len(quote)] if text.startswith(quote, place) else character)
            place += len(quote) if text.startswith(quote, place) else 1
            quote = None
            continue
        out.append(character if quote else character.translate(table))
        place += 1
    return "".join(out)


def _without_old_prints(text):
    return re.sub(r"^([ \t]*)print(?=[ \t]+[\"'\w%])[^\n]*$", r"\1pass", text, flags=re.MULTILINE)


def _without_prose(text):
    """Lines that are no Python are emptied one after another, as long as they are words; (text, tree or None)."""
    lines = text.split("\n")
    for _ in range(_MOST_LINES_DROPPED):
        try:
            return "\n".join(lines), ast.parse("\n".join(lines))
        except (SyntaxError, ValueError, MemoryError) as error:
            place = (getattr(error, "lineno", None) or 1) - 1
        place = next((at for at in (place, place - 1) if 0 <= at < len(lines) and _is_prose(lines[at])), None)
        if place is None:
            return text, None
        lines[place] = _code_of(lines[place])
    return text, None


def _is_prose(line):
    code = re.sub(r"(\"[^\"]*\"|'[^']*'|#.*)", "", line).strip()
    if re.match(r"\w*(?:Error|Exception|Warning): ", code):
        return True
    if re.match(r"(?:[-*•]|\d+[.)])\s+(?:\*\*|`)|\*\*[^*]+\*\*", code):  # Markdown's lists and bold words
        return True
    code = re.sub(r"^(?:\d+[.)]|[-*•])\s+", "", code)
    words = re.fullmatch(r"[A-Z]?[A-Za-z',]+(?: [A-Za-z0-9_`',().?!:;/-]+){2,}", code)
    if re.search(r"\w\(|\bself\.", code):
        words = None
    return bool(
        _CHINESE.search(code) or (words and not re.match(r"(?:class|def|return|if|for|import|from|with)\b", code))
    )


def _code_of(line):
    """What of a line is code: `return out什么意思` is `return out`."""
    head = _CHINESE.split(line, maxsplit=1)[0].rstrip() if _CHINESE.search(line) else ""
    try:
        ast.parse(textwrap.dedent(head) if head.strip() else "pass")
    except SyntaxError:
        header = re.match(r"\s*(?:if|for|while|def|class|else|elif|with|try|except|finally)\b.*:$", head)
        is_code = header or re.match(r"\s*return\b", head)
        return head if is_code else ""
    return head if (re.search(r"[=(.\w]", head) and not re.fullmatch(r"\s*\w+\s*", head)) or "return" in head else ""


def _without_glued_words(text, tree):
    """`return out什么意思` is valid Python, with a name that nobody meant."""
    for node in ast.walk(tree):
        name = getattr(node, "id", getattr(node, "attr", None))
        match = re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)([\u4e00-\u9fff]+)", name) if isinstance(name, str) else None
        if match and text.count(name) == 1 and re.search(rf"\b{match[1]}\b", text):
            text = text.replace(name, match[1])
    return text


# names that lost their underscores


def _with_underscores(text):
    """`def init(self` is `__init__` again where the class has none."""
    if re.search(r"def\s+__init__\s*\(", text) and not re.search(r"def\s+(?:_?init_?|\*\*init\*\*)\s*\(\s*self", text):
        changed = text
    else:
        changed = re.sub(
            r"def\s+(?:_?init_?|\*\*init\*\*|__init|init__|_init__|__init_)\s*\(\s*self", "def __init__(self", text
        )
    changed = re.sub(
        r"(super\s*\([^()]*\)\s*\.\s*)(?:_?init_?|\*\*init\*\*|__init|init__|_init__|__init_)\s*\(",
        r"\1__init__(",
        changed,
    )
    changed = re.sub(r"\bif\s+name\s*==\s*(['\"])main\1", r"if __name__ == \1__main__\1", changed)
    return changed, changed != text


def _failure(text):
    try:
        ast.parse(text)
    except SyntaxError as error:
        lines = text.split("\n")
        number = min(max(error.lineno or 1, 1), len(lines))
        shown = lines[number - 1].strip()[:60].replace("`", "'")
        if isinstance(error, IndentationError):
            return lost_indentation(number, shown)
        return syntax(number, shown, error.msg)
    except (ValueError, MemoryError) as error:
        return syntax(1, text[:40].replace("`", "'"), str(error))
    return None


def lifted(source, tree):
    """The code with its classes outside of the `if`, function or class that holds them, where none stands outside."""
    inner = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(one, ast.FunctionDef) and one.name == "forward" for one in node.body)
    ]
    if not inner or any(node in tree.body for node in inner):
        return source, tree
    outside = [node for node in tree.body if not any(one in inner for one in ast.walk(node))]
    lines = source.splitlines(keepends=True)
    pieces = []
    for node in [*outside, *inner]:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        pieces.append(textwrap.dedent("".join(lines[first - 1 : node.end_lineno])).rstrip() + "\n")
    return (whole := "\n\n".join(pieces)), ast.parse(whole)


def in_a_class(tree):
    """The code with its last `nn.Sequential` in a class, where it has no class; None where there is nothing to put."""
    if any(isinstance(node, ast.ClassDef) for node in ast.walk(tree)):
        return None
    made = [
        place
        for place, node in enumerate(tree.body)
        if isinstance(node, (ast.Assign, ast.Expr))
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).rpartition(".")[2] == "Sequential"
    ]
    if not made:
        return None
    place = made[-1]
    call, name = tree.body[place].value, ast.unparse(getattr(tree.body[place], "targets", [ast.Name("")])[0])
    layers = textwrap.indent(",\n".join(map(ast.unparse, (*call.args, *call.keywords))), " " * 12)
    is_listed = not any(isinstance(one, ast.Starred) for one in call.args) and len(call.args) > 1
    steps = [f"x = self.layers[{at}](x)" for at in range(len(call.args))] if is_listed else ["x = self.layers(x)"]
    building = _building(tree.body[:place], _names_in(call))
    adding = [node for node in tree.body[place + 1 :] if name and _is_call_of(node, name)]
    moved = {*building, *adding}
    before = "\n".join(ast.unparse(node) for node in tree.body[:place] if node not in moved)
    behind = "\n".join(ast.unparse(node) for node in tree.body[place + 1 :] if node not in moved)
    lines = ["super().__init__()", *(line for node in building for line in ast.unparse(node).split("\n"))]
    lines.append(f"self.layers = nn.Sequential(\n{layers},\n        )" if layers else "self.layers = nn.Sequential()")
    lines += [f"self.layers{ast.unparse(node)[len(name) :]}" for node in adding]
    body = "\n        ".join([*steps, "return x"])
    return (
        f"{before}\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        {_NEXT.join(lines)}\n\n"
        f"    def forward(self, x):\n        {body}\n\n\n{behind}\n"
    ).lstrip()


_NEXT = "\n        "


def _is_call_of(node, name):
    """`net.add_module("conv", …)`, which adds to what was built."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    function = node.value.func
    adds = isinstance(function, ast.Attribute) and function.attr in ("add_module", "append", "extend", "insert")
    return adds and ast.unparse(function.value) == name


def _names_in(node):
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _building(statements, wanted):
    """Of the statements, those by which a list of layers grows: loops and calls, and what these begin with."""
    found = []
    for node in reversed(statements):
        is_import = isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef))
        changes = isinstance(node, (ast.For, ast.While, ast.If, ast.AugAssign)) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        )
        begins = isinstance(node, ast.Assign) and found and {ast.unparse(one) for one in node.targets} & wanted
        if not is_import and ((changes and _names_in(node) & wanted - {"nn", "torch", "print"}) or begins):
            found.append(node)
            wanted = wanted | _names_in(node)
    return found[::-1]

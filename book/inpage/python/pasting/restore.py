"""Line breaks and indentation that were lost are put back as they usually are."""

import re

_STARTS = (
    r"def\s+\w+\s*\(",
    r"class\s+\w+\s*[(:]",
    r"@\w+",
    r"return\b",
    r"if\b",
    r"elif\b",
    r"else\s*:",
    r"for\s+[\w, ]+\s+in\b",
    r"while\b",
    r"with\b",
    r"raise\b",
    r"super\s*\(",
    r"import\s+\w",
    r"from\s+[\w.]+\s+import\b",
    r"assert\b",
    r"del\s+\w",
    r"(?:self\.)?[A-Za-z_][\w.]*(?:\[[^\]]*\])?\s*(?:,\s*[A-Za-z_][\w.]*\s*)*(?:[-+*/@]|//)?=(?!=)",
)
_START = re.compile("|".join(f"(?:{start})" for start in _STARTS))
_HEADER = re.compile(r"(?:if|elif|else|for|while|with|try|except|finally)\b.*:\s*(?:#.*)?$")


def split_into_lines(text):
    """Code that came as one long line, one statement a line and indented; None where that was not the trouble."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not re.search(r"class\s+\w+\s*\([^)]*\)[ \t]*:[ \t]*\S", text) and len(lines) > 3:
        return None
    flat = " ".join(line.strip() for line in lines)
    pieces, start, place, depth, quote = [], 0, 0, 0, None
    after_space = True
    while place < len(flat):
        character = flat[place]
        if quote:
            quote = None if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "#":
            end = _end_of_comment(flat, place)
            pieces += [flat[start:place].strip(), flat[place:end].strip()]
            start = place = end
            after_space = True
            continue
        elif depth == 0 and after_space and place > start and _begins(flat, place, flat[start:place].strip()):
            pieces.append(flat[start:place].strip())
            start = place
        after_space = character in " ;:" and not quote
        place += 1
    pieces.append(flat[start:].strip())
    split = [part for piece in pieces if piece for part in _header_and_body(piece)]
    return indented("\n".join(split)) if len(split) > 3 else None


def _begins(flat, place, before):
    match = _START.match(flat, place)
    if match is None:
        return False
    if not before:
        return False
    if re.search(
        r"(?:[=+\-*/@%<>,(\[{&|]|\b(?:return|not|and|or|in|is|if|else|elif|while|lambda|import|from|as|raise|assert))$",
        before,
    ):
        return False
    word = match[0].split()[0] if match[0].split() else ""
    if word == "if" and not _is_statement_if(flat, place):
        return False
    if word.startswith("else") and re.search(r"\bif\b(?!.*:)", before):
        return False
    return not (word == "for" and before.count("(") + before.count("[") > before.count(")") + before.count("]"))


def _is_statement_if(flat, place):
    """`if …:` begins a statement; `a if b else c` does not."""
    colon = flat.find(":", place)
    otherwise = re.search(r"\belse\b", flat[place:])
    return colon >= 0 and (otherwise is None or place + otherwise.start() > colon)


def _end_of_comment(flat, place):
    """A comment's end is lost with its line: it is taken to end where a statement on `self` begins, or a keyword's."""
    found = re.compile(
        r"\s(?=self\.\w+\s*(?:=|\()|def\s+\w+\(|return\b|class\s+\w+\(|super\(|(?:out|x|y|identity|residual)\s*\+?=|"
        r"if\s+self\.|for\s+\w+\s+in\b)"
    ).search(flat, place + 1)
    return found.end() if found else len(flat)


def _header_and_body(piece):
    """`class A(B): expansion = 4` and `def f(self): x = 1` are two lines."""
    match = re.match(r"((?:class|def)\s+\w+\s*)", piece)
    if not match and not _HEADER.match(piece) and not re.match(r"(?:if|elif|else|for|while|with|try)\b", piece):
        return [piece]
    depth, quote = 0, None
    for place, character in enumerate(piece):
        if quote:
            quote = None if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == ":" and depth == 0:
            body = piece[place + 1 :].strip()
            return [piece[: place + 1], *(_header_and_body(body) if body else [])]
    return [piece]


def indented(text):
    """Lines whose indentation is gone, indented anew: methods in their class, statements in their method.

    One line is taken to stand below an `if`; below a `for`, all lines up to an empty one or a `return`.
    """
    lines = text.split("\n")
    out, base, method, below, depth = [], 0, False, [], 0
    in_class = False
    for line in lines:
        bare = line.strip()
        if not bare:
            out.append("")
            below = []
            continue
        if depth > 0:
            out.append("    " * (base + len(below) + 1) + bare)
            depth += _opened(bare)
            continue
        if re.match(r"class\s+\w+", bare):
            in_class, method, base, below = True, False, 1, []
            out.append(bare)
        elif re.match(r"(?:async\s+)?def\s+\w+\s*\(|@\w", bare):
            belongs = in_class and (
                bare.startswith("@")
                or re.match(r"(?:async\s+)?def\s+\w+\s*\(\s*(?:self|cls)\b", bare)
                or (out and out[-1].strip().startswith("@staticmethod"))
            )
            in_class = in_class and bool(belongs)
            base, method, below = (2 if belongs else 1), True, []
            out.append("    " * (base - 1) + bare)
            if bare.startswith("@"):
                base -= 1
        elif re.match(r"(?:import|from)\s+\w", bare) and not method and not in_class:
            out.append(bare)
        else:
            out.append(_statement(bare, base, below))
        depth += _opened(bare)
        if depth <= 0:
            depth = 0
    return "\n".join(out)


def _statement(bare, base, below):
    """One statement with its indentation; `below` holds the headers that are open, innermost last."""
    keyword = re.match(r"(elif|else|except|finally)\b", bare)
    if keyword:
        while below and below[-1] != "if done":
            below.pop()
        if below:
            below.pop()
    else:
        while below and below[-1] == "if done":
            below.pop()
    if re.match(r"return\b", bare) and below and below[-1] == "for":
        below.clear()
    text = "    " * (base + len(below)) + bare
    if below and below[-1] == "if":
        below[-1] = "if done"
    if _HEADER.match(bare):
        below.append("for" if re.match(r"(?:for|while|with)\b", bare) else "if")
    return text


def _opened(line):
    code = re.sub(r"(\"[^\"]*\"|'[^']*'|#.*)", "", line)
    return sum(code.count(sign) for sign in "([{") - sum(code.count(sign) for sign in ")]}")

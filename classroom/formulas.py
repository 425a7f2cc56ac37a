"""LaTeX that a student wrote, set as MathML in this process: no page asks another host for MathJax."""

import html
import re

from latex2mathml.converter import convert_to_element
from nbconvert.filters.markdown_mistune import IPythonRenderer

MAX_FORMULA = 2000
ONE_FORMULA = re.compile(
    r"\s*(?:\$\$(?P<display>[^$]+)\$\$|\$(?P<inline>[^$]+)\$|\\\[(?P<brackets>.+)\\\]"
    r"|(?P<environment>\\begin\{[a-z]+\*?\}.+\\end\{[a-z]+\*?\}))\s*",
    re.DOTALL,
)
MATHML = {"math", "mrow", "mi", "mo", "mn", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup"}
MATHML |= {"munder", "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mphantom"}
MATHML_ATTRIBUTES = {"display", "mathvariant", "stretchy", "fence", "form", "accent", "separator", "columnalign"}
MATHML_ATTRIBUTES |= {"linethickness", "displaystyle", "scriptlevel"}


def typeset(latex):
    """An output that is one formula; its source where it is anything else."""
    found = ONE_FORMULA.fullmatch(latex)
    return (found and mathml(found[found.lastgroup], "block")) or f"<pre>{html.escape(latex)}</pre>"


class Formulas(IPythonRenderer):
    def inline_math(self, body):
        return mathml(body) or f"<code>{html.escape(body)}</code>"

    def block_math(self, body):
        return mathml(body, "block") or f"<pre>{html.escape(body)}</pre>"

    def latex_environment(self, name, body):
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


def mathml(latex, display="inline"):
    """A formula as MathML, of the elements and attributes that set formulas and do nothing else; None if it is none."""
    if len(latex) > MAX_FORMULA:
        return None
    latex = re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{align*}", latex)
    try:
        return markup(convert_to_element(latex, display=display))
    except Exception:  # not LaTeX, or without end
        return None


def markup(element):
    if element.tag not in MATHML:
        return "".join(map(markup, element)) or html.escape(html.unescape(element.text or ""))
    known = {name: value for name, value in element.attrib.items() if name in MATHML_ATTRIBUTES}
    attributes = "".join(f' {name}="{html.escape(value)}"' for name, value in known.items())
    inside = html.escape(html.unescape(element.text or "")) + "".join(map(markup, element))
    return f"<{element.tag}{attributes}>{inside}</{element.tag}>"

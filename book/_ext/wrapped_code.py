"""Sphinx extension: a line of code that is too long for the screen goes on below, further in than it began.

It is broken at spaces and after opening brackets, and where there are none before dots; never inside a name. The text
stays what it was, so that copies are the original.
"""

import re

BLOCK = re.compile(
    r'(<div class="(output )?[\w ]*highlight-([\w-]+) notranslate"><div class="highlight"><pre>)(.*?)(</pre>)',
    re.DOTALL,
)
# Of what was printed, columns stand below each other as they are.
COLUMNS = re.compile(r"\S {2,}\S")
BEGINNING = re.compile(r"(?:<span></span>)?( *)")
# Of these, which are half of a page's elements, the styles say what they say of all code.
PLAIN = re.compile(r'<span class="[npw]">([^<]*(?:<wbr>)?)</span>')
BRACKET = re.compile(r'([(\[{]+)(?!(?:</span>)?(?:<span class="p">)?(?:\s|$|[)\]}]))')
# What has no place to be broken at, and the dots in it. Shorter ones fit on every screen.
RUN = re.compile(r"(?:<(?!wbr)[^>]*>|&[^;\s]+;|[^\s<&])+")
DOT = '<span class="o">.</span>'
TAG = re.compile(r"<[^>]*>")
FITS = 20


def setup(app):
    app.connect("html-page-context", wrap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def wrap(app, pagename, templatename, context, doctree):
    """At `html-page-context`: makes of each line of code a block that can hang."""
    if "body" in context:
        context["body"] = BLOCK.sub(wrapped, context["body"])


def wrapped(block):
    opening, output, language, code, closing = block.groups()
    if output or language == "text":
        lines = (line if COLUMNS.search(line) else hanging(line) for line in code.split("\n"))
    else:
        breakable = RUN.sub(broken_at_dots, BRACKET.sub(r"\1<wbr>", code))
        lines = map(hanging, PLAIN.sub(r"\1", breakable).split("\n"))
    return opening + "\n".join(lines) + closing


def broken_at_dots(run):
    return run[0] if len(TAG.sub("", run[0])) <= FITS else run[0].replace(DOT, f"<wbr>{DOT}")


def hanging(line):
    indent = len(BEGINNING.match(line)[1])
    style = f' style="--indent:{indent}"' if indent else ""
    return f'<span class="code-line"{style}>{line}</span>' if line else ""

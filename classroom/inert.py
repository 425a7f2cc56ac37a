"""Makes a notebook inert: what a student wrote stays to be read, and nothing of it can act in the reader's browser.

The notebook is built anew from what is known to be harmless. Code stays as it is, byte for byte. Images become pixels
that this process has drawn itself. Prose stays as it is where a page made of it holds nothing but text, formulas and
those images; elsewhere its HTML and its links are shown as they were typed.
"""

import base64
import binascii
import html
import io
import re
import warnings
from contextlib import suppress
from urllib.parse import unquote

import nbformat
import nh3
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbgrader.preprocessors import NbGraderPreprocessor
from PIL import Image, ImageOps

MAX_PROSE = 20_000  # characters of one cell; Markdown's rules take time that grows with their square
MAX_PICTURES, MAX_PIXELS, MAX_SIDE = 20, 40_000_000, 1600
FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/png", "WEBP": "image/png"}

GRADE_ID = re.compile(r"[\w-]{1,100}", re.ASCII)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")

# What of HTML an output may be made of: no attribute but the pixels of an image.
OUTPUT_TAGS = {"p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "blockquote"}
OUTPUT_TAGS |= {"pre", "code", "em", "strong", "b", "i", "u", "s", "del", "sub", "sup", "small", "div", "span", "img"}
OUTPUT_TAGS |= {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
# What nbconvert makes of Markdown, tag by tag as it writes them.
TAGS = "p|br|hr|h[1-6]|ul|ol|li|dl|dt|dd|blockquote|pre|code|em|strong|del|table|thead|tbody|tr|th|td|div|span"
CLASSES = r"highlight|[a-z]{0,2}[0-9]?|language-[\w+#.-]*|task-list-item|task-list-item-checkbox"
WRITTEN = re.compile(
    rf'</?(?:{TAGS})(?: (?:class="(?:{CLASSES})"|style="text-align:(?:left|right|center)"|start="[0-9]+"))* ?/?>'
    r'|<input class="task-list-item-checkbox" type="checkbox" disabled(?: checked)?/?>'
)
PICTURE = re.compile(r'<img src="(data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=]+)" alt="[^"<>]*" ?/?>')

# TeX that links, names, styles, loads or defines: what makes a formula more than a formula.
TEX = re.compile(
    r"\\(?:href|url|unicode|style|class|cssId|data|html\w*|require|def|gdef|edef|xdef|let|futurelet|newcommand|"
    r"renewcommand|providecommand|newenvironment|renewenvironment|DeclareMathOperator|DeclarePairedDelimiter\w*|"
    r"includegraphics|input|include|mmlToken|toggle|action\w*|mathtip|texttip|tooltip|enclose|bbox|ce|pu|rule|Rule|"
    r"Space|kern|mkern|hskip|mskip|hspace|vspace|raise|lower|moveleft|moveright|llap|rlap|loop|repeat|write|catcode|"
    r"csname|special|label|ref|eqref|tag|autoload|texttt\s*\{\s*\\href)(?![A-Za-z])"
)

CODE = (
    r"^ {0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)?? {0,3}(?P=fence)[`~]*[ \t]*$"
    r"|(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"
)
MATH = (
    r"(?<!\\)\$\$.+?(?<!\\)\$\$|(?<![$\\])\$[^$]+(?<!\\)\$"
    r"|\\\\\[.*?\\\\\]|\\\\\(.*?\\\\\)|\\begin\{(?P<env>[a-z]*\*?)\}.*?\\end\{(?P=env)\}"
)
OWN = r"!\[[^\]\[<>\n]*\]\(attachment:[0-9]+\.(?:png|jpg)\)|<br ?/?>"
KEPT = re.compile(f"{CODE}|{MATH}|{OWN}", re.DOTALL | re.MULTILINE)

DATA = "data:image/[a-z+]{1,9};base64,[A-Za-z0-9+/=]++"
IMAGE = re.compile(  # a pasted picture: as Jupyter, Colab and VS Code write it, and as one whose size was changed
    rf"!\[(?P<alt>[^\]\n]{{0,300}})\]\( ?<?(?P<src>attachment:[^)\n]{{1,300}}?|{DATA})>?"
    r"(?: {1,9}(?:\"[^\"\n]{0,300}\"|'[^'\n]{0,300}'))? ?\)"
    rf"|<img\b[^<>]{{0,300}}?\bsrc ?= ?[\"']?(?P<tag>attachment:[^\"'<>]{{1,300}}|{DATA})[^<>]{{0,300}}>",
    re.IGNORECASE,
)


class MakeInert(NbGraderPreprocessor):
    """The last of Autograde's: `autograded/` is inert, whoever grades."""

    def preprocess(self, nb, resources):
        return inert(nb), resources


def inert(notebook):
    """A new notebook."""
    fresh = nbformat.v4.new_notebook()
    fresh.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    fresh.metadata.language_info = {"name": "python", "pygments_lexer": "ipython3"}
    if notebook.metadata.get("edition") in ("zh", "en", "both"):
        fresh.metadata.edition = notebook.metadata.edition
    fresh.cells = [inert_cell(cell, f"cell-{number}") for number, cell in enumerate(notebook.cells)]
    return fresh


def inert_cell(cell, name):
    source = text_of(cell.get("source"))
    if cell.cell_type == "code":
        fresh = nbformat.v4.new_code_cell(cell.source if isinstance(cell.source, str) else source)
        fresh.execution_count = number_of(cell.get("execution_count"))
        fresh.outputs = list(filter(None, map(inert_output, cell.get("outputs") or [])))
    elif cell.cell_type == "markdown":
        source, pictures = prose(source, cell.get("attachments"))
        fresh = nbformat.v4.new_markdown_cell(source)
        if pictures:
            fresh.attachments = pictures
    else:  # raw: nbconvert puts it on the page as it is
        fresh = nbformat.v4.new_markdown_cell(as_typed(source))
    fresh.id = name
    if known := inert_nbgrader(cell.metadata.get("nbgrader")):
        fresh.metadata.nbgrader = known
    if cell.metadata.get("lang") in ("zh", "en"):
        fresh.metadata.lang = cell.metadata.lang
    return fresh


def inert_nbgrader(given):
    """What nbgrader knows a cell by, each field of its own type."""
    kinds = dict.fromkeys(("grade", "solution", "locked", "task"), bool)
    kinds |= {"schema_version": int, "points": (int, float)}
    if not isinstance(given, dict) or not GRADE_ID.fullmatch(str(given.get("grade_id"))):
        return None
    fresh = {name: given[name] for name, kind in kinds.items() if isinstance(given.get(name), kind)}
    if (fresh.get("grade") or fresh.get("task")) and "points" not in fresh:
        return None
    if given.get("cell_type") in ("code", "markdown", "raw"):
        fresh["cell_type"] = given["cell_type"]
    if re.fullmatch(r"[0-9a-f]{1,64}", str(given.get("checksum"))):
        fresh["checksum"] = given["checksum"]
    return nbformat.from_dict({**fresh, "grade_id": given["grade_id"]})


def inert_output(output):
    kind = output.get("output_type")
    if kind == "stream" and output.get("name") in ("stdout", "stderr"):
        return nbformat.v4.new_output("stream", name=output["name"], text=text_of(output.get("text")))
    if kind == "error":
        lines = output.get("traceback")
        return nbformat.v4.new_output(
            "error",
            ename=text_of(output.get("ename")),
            evalue=text_of(output.get("evalue")),
            traceback=[text_of(line) for line in lines] if isinstance(lines, list) else [],
        )
    if kind in ("display_data", "execute_result"):
        data = inert_data(output.get("data"))
        fresh = nbformat.v4.new_output(kind, data=data) if data else None
        if fresh and kind == "execute_result":
            fresh.execution_count = number_of(output.get("execution_count"))
        return fresh
    return None


def inert_data(data):
    """Of one output in many forms, those that can be made inert."""
    fresh = {}
    if not isinstance(data, dict):
        return fresh
    for form in ("image/png", "image/jpeg", "image/gif", "image/webp"):
        if picture := redrawn(data.get(form)):
            fresh |= picture
            break
    if written := inert_html(text_of(data.get("text/html"))):
        fresh["text/html"] = written
    if source := text_of(data.get("text/markdown")):
        written, pictures = prose(source, None)
        fresh["text/markdown"] = as_typed(source) if pictures else written  # an output has no attachments
    latex = text_of(data.get("text/latex"))
    if latex and not TEX.search(latex):
        fresh["text/latex"] = latex
    if "text/plain" in data:
        fresh["text/plain"] = text_of(data["text/plain"])
    return fresh


def inert_html(source):
    """Its text in its tables and lists, and its pixels."""

    def attribute(tag, name, value):
        picture = redrawn(value.partition(",")[2]) if value.startswith("data:image/") else None
        return next((f"data:{form};base64,{data}" for form, data in picture.items()), None) if picture else None

    clean = nh3.clean(
        source,
        tags=OUTPUT_TAGS,
        clean_content_tags={"script", "style", "svg", "math", "template", "iframe", "object", "noscript", "title"},
        attributes={"img": {"src"}},
        attribute_filter=attribute,
        url_schemes={"data"},
        link_rel=None,
    )
    told = re.sub(r"<(?!img src)[^<>]*>", "", clean).strip()
    return clean if told and not tex_in(clean) else ""


def prose(source, attachments):
    """(Markdown of which a page is inert, the pictures that it shows)."""
    if len(re.sub(r"[A-Za-z0-9+/=]{200,}", "", source)) > MAX_PROSE:
        return as_typed(source), {}
    source, pictures = with_pictures(source, attachments if isinstance(attachments, dict) else {})
    for tried in (source, without_html(source)):
        if harmless(tried, pictures):
            return tried, pictures
    return as_typed(source), {}


def with_pictures(source, attachments):
    """(The source, naming its pictures by number; the pictures, drawn again)."""
    names, pictures = {}, {}

    def numbered(match):
        src = match["src"] or match["tag"]
        if src not in names and len(names) < MAX_PICTURES:
            names[src] = None
            for data in data_of(src, attachments):
                if picture := redrawn(data):
                    names[src] = f"{len(names)}.{'jpg' if 'image/jpeg' in picture else 'png'}"
                    pictures[names[src]] = picture
                    break
        alt = re.sub(r"[^\w .,:;-]", " ", match["alt"] or "")
        if not names.get(src):
            return f"（打不开的图片 · a picture that cannot be opened: {alt}）"
        return f"![{alt}](attachment:{names[src]})"

    return IMAGE.sub(numbered, source), pictures


def data_of(src, attachments):
    """The base64 of a picture that a source names: the forms of an attachment, or what stands in the source itself."""
    if src.lower().startswith("data:"):
        return [src.partition(",")[2]]
    name = src.partition(":")[2]
    known = {unquote(key): forms for key, forms in attachments.items()}  # pictures.py names them quoted
    forms = attachments.get(name, known.get(unquote(name)))
    return list(forms.values()) if isinstance(forms, dict) else []


def harmless(source, pictures):
    """Whether nbconvert makes of it a page of text, formulas and these pictures, and of nothing else."""
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True, attachments=pictures)
    try:
        page = MarkdownWithMath(renderer=renderer).render(source)
    except Exception:  # a picture that is not there, nesting without end, and whatever else Markdown trips over
        return False
    own = {f"data:{form};base64,{data}" for picture in pictures.values() for form, data in picture.items()}
    rest = PICTURE.sub(lambda match: "" if match[1] in own else match[0], page)
    return "<" not in WRITTEN.sub("", rest) and not tex_in(rest)


def without_html(source):
    """With HTML and links written so that they are read, not followed; code, formulas and pictures stay."""
    parts, end = [], 0
    for match in KEPT.finditer(source):
        parts += [spelled(source[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, spelled(source[end:])])


def spelled(text):
    text = text.replace("<", "&lt;").replace("[", "&#91;").replace("@", "&#64;")
    return re.sub(r"://|(?<=www)\.", lambda match: "".join(f"&#{ord(letter)};" for letter in match[0]), text)


def as_typed(source):
    """The source as a block of code, in which Markdown changes nothing."""
    ticks = max(map(len, re.findall(r"`+", source)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}\n{source}\n{fence}"


def tex_in(page):
    """Whether MathJax, which leaves code alone, would find more than formulas on it."""
    read = re.sub(r"<(pre|code)\b.*?</\1>", "", page, flags=re.DOTALL)
    return TEX.search(html.unescape(re.sub(r"<[^<>]*>", "", read)))


def redrawn(data):
    """{mime type: base64} of an image drawn again from its pixels; None where it is no image, or too large."""
    if not isinstance(data, str):
        return None
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        content = binascii.a2b_base64("".join(data.split()))
        with Image.open(io.BytesIO(content), formats=list(FORMATS)) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            form = FORMATS[image.format]
            image.thumbnail((MAX_SIDE, MAX_SIDE))
            drawn = ImageOps.exif_transpose(image).convert("RGB" if form == "image/jpeg" else "RGBA")
        pixels, kind = io.BytesIO(), form.partition("/")[2].upper()
        Image.frombytes(drawn.mode, drawn.size, drawn.tobytes()).save(pixels, kind)
        return {form: base64.b64encode(pixels.getvalue()).decode()}
    return None


def text_of(value):
    """A field that should be text: without control characters and halves of characters."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    text = value if isinstance(value, str) else ""
    return CONTROL.sub("", text.encode("utf-8", "replace").decode("utf-8"))


def number_of(value):
    return value if isinstance(value, int) and not isinstance(value, bool) else None

"""Keeps the pictures that a student pasted into written answers, so that every page can show them.

They come as a cell's attachments, or as data: links in its Markdown (Colab). What is kept is a picture in pixels, of a
bounded size, under the very name that nbconvert looks for: it makes no page for a notebook with an attachment missing.
"""

import base64
import functools
import io
import re
import warnings
from urllib.parse import unquote

from showable import in_time

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
MAX_SIZE = 8 * 2**20  # of one picture, in base64
MAX_IN_ALL = 24 * 2**20
MAX_PIXELS = 50_000_000
ATTACHMENT = "attachment:"
DATA_LINK = re.compile(r"data:image/[\w.+-]{1,30};base64,([A-Za-z0-9+/]+={0,2})")
IMG = re.compile(r"<img\b[^<>]*?\bsrc\s*=\s*[\"']?(attachment:[^\"'<>\s]+)[^<>]*>", re.IGNORECASE)

MISSING = ("图片 {} 不在文件里", "the picture {} is not in the file")
NO_PICTURE = ("图片 {} 不是能显示的格式", "the picture {} has no format that can be shown")
TOO_LARGE = ("图片 {} 太大，没有留下", "the picture {} is too large and was left out")


def taken_out(cell, given):
    """The attachments of a student's cell by name, with what stood in its Markdown as data; the cell then names it."""
    attachments = given.get("attachments")
    attachments = dict(attachments) if isinstance(attachments, dict) else {}

    def moved(link):
        name = f"inline-{len(attachments)}"
        attachments[name] = {"": link[1]}
        return ATTACHMENT + name

    if cell.cell_type == "markdown":
        cell.source = IMG.sub(r"\n\n![](\1)\n\n", DATA_LINK.sub(moved, cell.source))
    return attachments


def keep_pictures(cells, attachments):
    """Gives the cells those pictures that their Markdown shows; what to tell of the others.

    attachments: what `taken_out` found, by cell.
    """
    notes, left = [], MAX_IN_ALL
    for cell, there in zip(cells, attachments, strict=True):
        if cell.cell_type != "markdown" or ATTACHMENT not in cell.source:
            continue
        kept = {}
        for name in names_in(cell.source):
            found = next((there[one] for one in (name, unquote(name)) if one in there), None)
            kept[name], problem = picture(found, left)
            left -= sum(map(len, kept[name].values()))
            if problem:
                notes.append(tuple(part.format(unquote(name)[:60]) for part in problem))
        if kept:
            cell.attachments = kept
    return notes[:5]


def names_in(source):
    """The names of attachments as nbconvert will look for them, which are quoted as in an address."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    names = []

    class Names(IPythonRenderer):
        def image(self, text, url, title=None):
            if url.startswith(ATTACHMENT):
                names.append(url[len(ATTACHMENT) :])
            return ""

    in_time(MarkdownWithMath(renderer=Names(escape=False)).render, source)
    return list(dict.fromkeys(names))


def picture(found, left):
    """(The picture as an attachment, None or what is wrong); where something is wrong, the picture of a crossed box."""
    from PIL import Image

    data = next(iter(found.values()), None) if isinstance(found, dict) else None
    data = "".join(line for line in data if isinstance(line, str)) if isinstance(data, list) else data
    if not isinstance(data, str):
        return crossed_box(), MISSING
    if len(data) > min(MAX_SIZE, left):
        return crossed_box(), TOO_LARGE
    try:
        data = "".join(data.split())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)), formats=FORMATS)
    except Exception:  # whatever it is, it is no picture
        return crossed_box(), NO_PICTURE
    if image.width * image.height > MAX_PIXELS:
        return crossed_box(), TOO_LARGE
    kind = "JPEG" if image.format == "MPO" else image.format  # several JPEGs in one, as some phones make them
    return {Image.MIME[kind]: data}, None


@functools.cache
def crossed_box():
    """What stands where a picture should."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (160, 90), 255)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 159, 89), outline=96)
    draw.line((0, 0, 159, 89), fill=96)
    draw.line((0, 89, 159, 0), fill=96)
    written = io.BytesIO()
    image.save(written, "PNG")
    return {"image/png": base64.b64encode(written.getvalue()).decode()}

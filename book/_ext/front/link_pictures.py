"""The picture that a message with a link to a page shows, 1200×630: a line of the book and what it makes.

Its words are code and Latin letters alone, so that no machine that builds the site lacks a font for them.
"""

import hashlib
import io
import shutil
import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

from code_column import find
from PIL import Image, ImageDraw, ImageFont

from . import cards, pieces

FONTS = Path(find_spec("matplotlib").origin).parent / "mpl-data" / "fonts" / "ttf"
WIDTH, HEIGHT, MARGIN = 1200, 630, 64
PAPER, INK, QUIET, LIT, TINT = "#11161c", "#e6edf3", "#9da7b3", "#ee7714", "#2b2118"
CHARACTER = 0.602  # of the size, in DejaVu Sans Mono
NAME = "Bottleneck, line by line"
FRONT = "picture.png"  # at the root of the site: of the front page, and of every page without a picture of its own
LINES = 9  # of the code around a line


class Shown(NamedTuple):
    """line: what stands large; maps: (path, grid) of each picture. Or a listing: (number, code, lit) of each row."""

    line: str = ""
    photograph: Path | None = None
    maps: tuple = ()
    listing: tuple = ()


def add_picture(app, pagename, templatename, context, doctree):
    """At `html-page-context`: makes the page's picture, and names it."""
    base, folder = app.config.html_baseurl, Path(app.outdir)
    if pagename == app.config.root_doc:
        shutil.copyfile(folder / drawn(app, front(app)), folder / FRONT)
    if pagename in cards.chapters(app.env):
        name = drawn(app, chapter(app, pagename))
        up = "../" * app.builder.get_target_uri(pagename).count("/")
        context["page_image"] = urljoin(base, name) if base else f"{up}{name}"
    else:
        context["page_image"] = urljoin(base, f"../{FRONT}") if base else f"{context['up']}{FRONT}"


def drawn(app, content):
    """The file of a picture, named by what it shows: it takes a while to draw, and an edit of the text leaves it."""
    shown = repr(content).replace(str(app.outdir), "")
    name = f"{app.builder.imagedir}/{hashlib.sha256(shown.encode()).hexdigest()[:20]}.png"
    path = Path(app.outdir, name)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(content))
    return name


def front(app):
    """The line that the front page begins with."""
    doctree = app.env.get_doctree(app.config.root_doc)
    lines = [node["line"] for node in doctree.findall(pieces.FrontPiece) if node["line"]]
    if not lines:
        return Shown()
    docname, _, anchor = lines[0].partition("#")
    found = cards.card_at(app.env.get_doctree(docname), anchor)
    return shown(app, docname, found, cards.photograph(app.env)) if found else Shown()


def chapter(app, docname):
    found = pieces.telling_card_of(app, docname, app.env.get_doctree(docname))
    return shown(app, docname, found, found) if found else Shown()


def shown(app, docname, html, with_photograph):
    card = cards.parsed(html, app.builder, docname)
    line = card.select_one(".lw-head > code").get_text()
    photo = with_photograph and cards.parsed(with_photograph, app.builder, docname).select_one(".lw-photo img")
    maps = [(file(app, image), cards.grid(image)) for image in card.select(".lw-maps img") if cards.grid(image)]
    if maps:
        return Shown(line, photo and file(app, photo), tuple(maps[:3]))
    subjects = app.env.metadata[docname].get("subjects", [])
    return Shown(line, listing=listing(subjects[-1]["source"], int(card["data-line"])) if subjects else ())


def file(app, image):
    return Path(app.outdir, app.builder.imagedir, Path(image["src"]).name)  # which names its content


def listing(source, lit):
    """The code around a line of it, as far to the left as it goes."""
    path, top = find(source)
    lines = path.read_text(encoding="utf-8").split("\n")
    first = max(top.lineno, min(lit - LINES // 2, top.end_lineno - LINES + 1))
    numbers = range(first, min(first + LINES, top.end_lineno + 1))
    rows = textwrap.dedent("\n".join(lines[number - 1] for number in numbers)).split("\n")
    return tuple((number, row, number == lit) for number, row in zip(numbers, rows, strict=True) if row.isascii())


# ---- drawing


def png(content):
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 12, HEIGHT), fill=LIT)
    pen.text((MARGIN, 44), NAME, font=font("DejaVuSans-Bold", 30), fill=QUIET)
    pen.text((WIDTH - MARGIN, 44), "ResNet · PyTorch", font=font("DejaVuSans", 30), fill=QUIET, anchor="ra")
    if content.listing:
        draw_listing(pen, content.listing)
    else:
        draw_maps(picture, pen, content, top=draw_line(pen, content.line))
    stored = io.BytesIO()
    picture.quantize(128, dither=Image.Dither.NONE).save(stored, "PNG", optimize=True)
    return stored.getvalue()


def font(name, size):
    return ImageFont.truetype(FONTS / f"{name}.ttf", size)


def draw_line(pen, line):
    """As large as there is room for; without one, the class that the book is about. Returns where it ends."""
    if not line:
        pen.text((MARGIN, HEIGHT / 2), "Bottleneck", font=font("DejaVuSansMono-Bold", 120), fill=INK, anchor="lm")
        return HEIGHT
    size = min(52, int((WIDTH - 2 * MARGIN) / CHARACTER / len(line)))
    pen.text((MARGIN, 112), line, font=font("DejaVuSansMono-Bold", size), fill=INK)
    return 112 + size * 1.9


def draw_maps(picture, pen, content, top):
    """The photograph, an arrow, and under each other the rows of maps, each value two pixels wide."""
    left, columns = MARGIN, 8
    room = HEIGHT - MARGIN / 2 - top
    middle = top + room / 2
    if content.photograph:
        columns = 6
        photograph = Image.open(content.photograph).convert("RGB").resize((224, 224), Image.Resampling.LANCZOS)
        picture.paste(photograph, (left, round(middle - 112)))
        pen.line((left + 240, middle, left + 296, middle), fill=INK, width=4)
        pen.polygon([(left + 302, middle), (left + 286, middle - 9), (left + 286, middle + 9)], fill=INK)
        left += 318
    step = min(room / max(1, len(content.maps)), 150)
    for number, (path, grid) in enumerate(content.maps):
        row = row_of(path, grid, columns)
        at = (left, round(middle + (number - (len(content.maps) - 1) / 2) * step - row.height / 2))
        picture.paste(row, at, row)


def row_of(path, grid, columns):
    """The first maps, twice as large, each value a square."""
    (width, height), gap = grid["tile"], grid["gap"]
    columns = min(columns, grid["columns"], grid["maps"])
    row = Image.open(path).convert("RGBA").crop((0, 0, columns * (width + gap) - gap, height))
    return row.resize((2 * row.width, 2 * row.height), Image.Resampling.NEAREST)


def draw_listing(pen, rows):
    longest = max(len(code) for _, code, _ in rows) + 5
    size = min(28, int((WIDTH - 2 * MARGIN) / CHARACTER / longest))
    regular, top, step = font("DejaVuSansMono", size), 130, (HEIGHT - 130 - MARGIN) / LINES
    for index, (number, code, lit) in enumerate(rows):
        middle = top + (index + 0.5) * step
        if lit:
            pen.rectangle((MARGIN - 16, middle - step / 2, WIDTH - MARGIN + 16, middle + step / 2), fill=TINT)
            pen.rectangle((MARGIN - 16, middle - step / 2, MARGIN - 12, middle + step / 2), fill=LIT)
        pen.text((MARGIN, middle), f"{number:>3}", font=regular, fill=QUIET, anchor="lm")
        pen.text((MARGIN + 5 * CHARACTER * size, middle), code, font=regular, fill=INK if lit else QUIET, anchor="lm")

"""Shapes as boxes: height and width on the face, channels in the depth."""

import math
from html import escape
from typing import NamedTuple

from ..errors import Bilingual

_FONT = 'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="11"'
_CHARACTER = 7.2  # pixels a character at most, in any of these fonts at size 11
_LINE, _PAD, _GAP, _ARROW = 14, 4, 14, 34
_A_ROW = 3  # operands beside each other; more go into rows, so that five still fit a phone
_SLANT = (0.8, -0.45)  # where depth goes on paper: to the right and up


class _Box(NamedTuple):
    name: str
    label: str
    face: tuple  # width and height of the front
    depth: float

    @property
    def drawn(self):
        """Width and height of the whole box, depth included."""
        return self.face[0] + self.depth * _SLANT[0], self.face[1] - self.depth * _SLANT[1]

    @property
    def width(self):
        return max(self.drawn[0], _CHARACTER * max(len(self.name), len(self.label)))


def cuboids(before, after=None, sign="", through="", current=True, zoom=1):
    """Tensors as cuboids: what goes in, an arrow, what comes out.

    Of (N, C, H, W) the face grows with the square root of H and W, so that 224 and 7 are both to be seen, and the
    depth with the channels; (N, L, C) is a plate, (N, C) and (C,) are rods, () is a dot.

    Args:
        before: (name, shape) of each operand, names and shapes as the code has them.
        after: (name, shape) of the result, or None for no arrow.
        sign: what stands between operands, "+" for a sum.
        through: what stands above the arrow, "conv1".
        current: whether the result (or the operands, where there is no result) is lit.
        zoom: how many times the usual size, for kernels of 3×3.

    Returns:
        `<svg>` as a string; its text is names and shapes, and its colours are the page's own.
    """
    operands = [_box(*item, zoom) for item in before]
    result = [_box(*after, zoom)] if after else []
    rows = [operands[start:start + _A_ROW] for start in range(0, len(operands), _A_ROW)]
    step = max([_GAP, _CHARACTER * (len(sign) + 1)]) if sign else _GAP
    row_widths = [sum(box.width for box in row) + step * (len(row) - 1) for row in rows]
    row_heights = [max(box.drawn[1] for box in row) + 2 * _LINE for row in rows]
    left = max(row_widths, default=0)
    arrow = max(_ARROW, _CHARACTER * len(through) + 12) if operands and result else 0
    height = max(sum(row_heights) + _GAP * (len(rows) - 1), *(box.drawn[1] + 2 * _LINE for box in result), 0)

    parts, top = [], (height - sum(row_heights) - _GAP * max(0, len(rows) - 1)) / 2
    for row, row_width, row_height in zip(rows, row_widths, row_heights, strict=True):
        x = (left - row_width) / 2
        for index, box in enumerate(row):
            if index:
                parts.append(_text(x + step / 2, top + (row_height - 2 * _LINE) / 2 + 5, sign, size=15))
                x += step
            parts.append(_draw(box, x, top + row_height, lit=current and not result))
            x += box.width
        top += row_height + _GAP
    if arrow:
        middle = (height - 2 * _LINE) / 2
        parts.append(_arrow(left + 8, left + 8 + arrow, middle))
        parts.append(_text(left + 8 + arrow / 2, middle - 7, through))
        left += arrow + 16
    for box in result:
        parts.append(_draw(box, left, (height + box.drawn[1]) / 2 + _LINE, lit=current))
        left += box.width
    return _svg(left, height, "".join(parts), _description(before, after, sign, through))


def shape_text(shape):
    """64×56×56 for a batch of one image, 8×64×56×56 for eight; other ranks in full."""
    if len(shape) == 4 and shape[0] == 1:
        shape = shape[1:]
    return "×".join(map(str, shape)) or "()"


def _box(name, shape, zoom):
    label = shape_text(shape)
    if len(shape) >= 4:
        channels, height, width = shape[1], shape[-2], shape[-1]
        return _Box(name, label, (_side(width, zoom), _side(height, zoom)), _depth(channels, zoom))
    if len(shape) == 3:
        return _Box(name, label, (_side(shape[2], zoom), _side(shape[1], zoom)), 2)
    return _Box(name, label, (5, 5), _depth(shape[-1], zoom) if shape else 2)


def _side(pixels, zoom):
    return min(90, max(5, 4.2 * math.sqrt(pixels)) * zoom)


def _depth(channels, zoom):
    return min(90, max(2, 3.6 * channels**0.4 * zoom))


def _draw(box, left, bottom, lit):
    """One box, centred in its own width, with two lines of text that end at `bottom`."""
    width, height = box.face
    across, up = box.depth * _SLANT[0], box.depth * _SLANT[1]
    x, y = left + (box.width - box.drawn[0]) / 2, bottom - 2 * _LINE - height
    top = f"M{x:.1f} {y:.1f}l{across:.1f} {up:.1f}h{width:.1f}l{-across:.1f} {-up:.1f}z"
    side = f"M{x + width:.1f} {y:.1f}l{across:.1f} {up:.1f}v{height:.1f}l{-across:.1f} {-up:.1f}z"
    middle = left + box.width / 2
    return (
        f'<g class="lw-box{" lw-now" if lit else ""}" fill="currentColor" stroke="currentColor">'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill-opacity=".12"/>'
        f'<path d="{top}" fill-opacity=".05"/><path d="{side}" fill-opacity=".22"/></g>'
        + _text(middle, bottom - _LINE - 2, box.name)
        + _text(middle, bottom - 3, box.label)
    )


def _arrow(start, end, y):
    return (
        f'<path d="M{start:.1f} {y:.1f}H{end:.1f}m-6 -4l6 4l-6 4" fill="none" stroke="currentColor" '
        'stroke-width="1.4"/>'
    )


def _text(x, y, text, size=None):
    size = f' font-size="{size}"' if size else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{size}>{escape(text)}</text>' if text else ""


def _svg(width, height, inside, description):
    zh, en = escape(description.zh, quote=True), escape(description.en, quote=True)
    width, height = math.ceil(width + 2 * _PAD), math.ceil(height + 2 * _PAD)
    return (
        f'<svg class="lw-cuboids" role="img" aria-label="{zh} / {en}" data-label-zh="{zh}" data-label-en="{en}" '
        f'width="{width}" height="{height}" viewBox="{-_PAD} {-_PAD} {width} {height}" {_FONT} '
        f'text-anchor="middle" fill="currentColor">{inside}</svg>'
    )


def _description(before, after, sign, through):
    operands = f" {sign or ','} ".replace(" ,", ",").join(f"{name} {shape_text(shape)}" for name, shape in before)
    if not after:
        return Bilingual(f"形状：{operands}", f"Shapes: {operands}")
    result = f"{after[0]} {shape_text(after[1])}"
    if not before:
        return Bilingual(f"形状：{result}", f"Shape: {result}")
    by_zh, by_en = (f"，经 {through}", f" through {through}") if through else ("", "")
    return Bilingual(f"形状：{operands}{by_zh} → {result}", f"Shapes: {operands}{by_en} → {result}")

"""Where in the photograph a line looks: a small copy with the pixels that one value sees."""

from html import escape

import torch

from ..errors import Bilingual
from .maps import looks_like_photograph, photograph_uri

_SIDE = 112  # pixels; one copy serves all cards of a page


def photograph(step):
    """The photograph that a walk began with, and in it what the value in the middle of the step's maps sees.

    Args:
        step: a `Step` of a forward trail whose input is a photograph, or is the output of a trail with one, which
            `trail.preceded_by` names.

    Returns:
        `<figure>` as a string; "" where there is no photograph, or what a value sees of it is not defined.
    """
    field = _field(step)
    image = field and _image(step.trail)
    if image is None:
        return ""
    name, value = _made(step)
    height, width = image.shape[2:]
    jump = height // value.shape[2]
    middle = [length // 2 * jump for length in value.shape[2:]]
    top, left = [max(0, at - field // 2) for at in middle]
    bottom, right = [min(length, at - field // 2 + field) for at, length in zip(middle, (height, width), strict=True)]
    sides = {"left": left / width, "top": top / height, "width": (right - left) / width}
    sides["height"] = (bottom - top) / height
    place = ";".join(f"{side}:{100 * share:.2f}%" for side, share in sides.items())
    index = f"[0, :, {value.shape[2] // 2}, {value.shape[3] // 2}]"
    alt = Bilingual(
        f"照片，框里是行 {top}–{bottom - 1}、列 {left}–{right - 1}",
        f"the photograph; framed: rows {top}–{bottom - 1}, columns {left}–{right - 1}",
    )
    words = Bilingual(f"看得到照片上 {field}×{field} 个像素", f"sees {field}×{field} pixels of the photograph")
    zh, en = escape(alt.zh, quote=True), escape(alt.en, quote=True)
    return (
        f'<figure class="lw-photo"><div><img src="{photograph_uri(image, _SIDE)}" width="{_SIDE}" '
        f'height="{round(_SIDE * height / width)}" alt="{zh} / {en}" data-alt-zh="{zh}" data-alt-en="{en}">'
        f'<i style="{place}"></i></div><figcaption><code>{escape(name)}{index}</code> {words.html()}'
        "</figcaption></figure>"
    )


def _image(trail):
    while trail.preceded_by is not None:
        trail = trail.preceded_by
    return next((x for x in trail.inputs if isinstance(x, torch.Tensor) and looks_like_photograph(x)), None)


def _field(step):
    """How many pixels of the photograph, a side, one value of the step's maps sees; None where it is not defined."""
    if step.trail.kind != "forward" or step.error or not isinstance(step.receptive_field, int | None):
        return None
    if step.source.startswith("def "):
        own = 1 if step.trail.preceded_by is not None else None  # the photograph itself is drawn there
    else:
        own = step.receptive_field if step.ops else None
    _, value = _made(step)
    if not own or value is None or value.is_nested or value.dim() != 4 or min(value.shape[2:]) < 2:
        return None
    return _seen(step.trail, own)


def _seen(trail, field):
    """A field of so many of the trail's input values, in pixels of the photograph."""
    earlier = trail.preceded_by
    if earlier is None:
        return field
    end = next((step.receptive_field for step in reversed(earlier) if step.receptive_field), None)
    end = end if isinstance(end, int) else None
    before, after = _height(earlier), _height(trail)
    if None in (end, before, after):
        return None
    jump = before // after
    return _seen(earlier, end + (field - 1) * jump)


def _height(trail):
    """Of the first input that has one."""
    return next((x.shape[2] for x in trail.inputs if isinstance(x, torch.Tensor) and x.dim() == 4), None)


def _made(step):
    """What the step's maps show, by name; of a signature, the argument."""
    arguments = [name for name, change in step.changed.items() if change.after.shape]
    name = (arguments or [None])[0] if step.source.startswith("def ") else step.result
    return name, name and step.value(name)

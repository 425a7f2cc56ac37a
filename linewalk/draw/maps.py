"""Feature maps as a picture: a grid of channels, negative blue, positive orange, zero nothing at all."""

import base64
import io
import json
import math
import os
from html import escape
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from PIL import Image

from ..errors import Bilingual
from ..images import denormalize, normalize

# Mid-tones: both can be told from white paper and from a dark page, and by readers who cannot tell red from green.
NEGATIVE, POSITIVE, NOT_FINITE, FRAME = (38, 112, 233), (238, 119, 20), (219, 39, 160, 255), (128, 128, 128, 64)
_LEVELS = 8  # shades a sign; more cannot be told apart at this size and cost bytes
_TILE, _GAP, _COLUMNS = 56, 2, 8
_STRIP_HEIGHT, _STRIP_WIDTH = 72, 462
_MOST_MAPS, _MOST_VALUES = 2048, 1_000_000  # in a picture of all channels, which WebP would else refuse or make heavy
_ENOUGH = 1_000_000  # values from which a percentile is read off; larger tensors are sampled evenly
_SAMPLED = 8  # values of a picture that it carries as numbers
_NO_WORDS = Bilingual("", "")


class Spread(NamedTuple):
    """What the values of a tensor are like; `low` and `high` are NaN where nothing is finite.

    low, high: smallest and largest finite value.
    typical: 99.5th percentile of the finite |values|: where the colours are full.
    negative: share of finite values below zero, 0…1.
    broken: how many values are NaN or infinite.
    """

    low: float
    high: float
    typical: float
    negative: float
    broken: int


def spread(tensor):
    """The `Spread` of a tensor of any shape, dtype and device."""
    values = _plain(tensor).numpy()
    finite = values[np.isfinite(values)]
    if not finite.size:
        return Spread(math.nan, math.nan, 0.0, 0.0, values.size)
    sizes = np.abs(finite[:: math.ceil(finite.size / _ENOUGH)])
    return Spread(
        low=float(finite.min()),
        high=float(finite.max()),
        typical=float(np.quantile(sizes, 0.995)) or float(sizes.max()),
        negative=float((finite < 0).mean()),
        broken=int(values.size - finite.size),
    )


def feature_maps(tensor, name="out", channels=16, scale=None, weights=None, heading="", words=True,
                 places=(2, 3)):
    """The first channels of a tensor as an HTML figure with one embedded WebP picture.

    With the environment variable LINEWALK_ALL_CHANNELS the picture carries a second one, of all channels, `data-all`.
    It is for pages that keep pictures as files and load this one only when it is asked for: in a notebook, which no
    script serves, it would be weight that nobody sees. `data-grid` and `data-all-grid` say how the tiles lie, and
    `data-sample` has a few of the values, evenly spaced in memory, for whoever computes them again.

    What is drawn: of (N, C, H, W) the first sample's channels, as tiles; of (N, C, 1, 1), (N, F) and (F,) the first
    sample's values, as bars; of (N, L, D) the first sample, as one tile; of a normalized photograph (N, 3, H, W) the
    photograph. The numbers below it are those of the whole tensor.

    Args:
        tensor: any shape, dtype, device and layout; NaN and infinities are drawn magenta.
        name: what the code calls it.
        channels: how many channels at most; eight stand in a row.
        scale: |value| at which the colours are full; None takes this tensor's own 99.5th percentile.
        weights: `Bilingual`, whose weights made the tensor, for the caption.
        heading: HTML to stand above the picture, such as "before" in both languages.
        words: whether the caption says which channels these are; the numbers and the alt text are always there.
        places: which axes are places; (1, 2) turns (N, H, W, C), and where it is None, nothing is called a channel.

    Returns:
        `<figure>` as a string; "" for a single number, for a tensor without values and for a nested one.
    """
    if not drawable(tensor):
        return ""
    tensor = _dense(tensor)
    stats = spread(tensor)
    last = tensor.dim() == 4 and places == (1, 2)
    if last:
        tensor = tensor.movedim(3, 1)
    if looks_like_photograph(tensor):
        return _figure(*_photograph(tensor, name, stats), "", heading)
    scale = scale or stats.typical or 1.0
    sample = _plain(_first_sample(tensor)).numpy()
    layout = ""
    if sample.ndim == 1:
        picture, shown = _bars(sample, scale), _indexed(name, tensor, min(len(sample), _STRIP_WIDTH), last)
    else:
        maps = sample[:channels] if sample.ndim == 3 else sample[None]
        picture, layout = _grid([_tile(channel, scale) for channel in maps], _COLUMNS, len(sample))
        shown = _indexed(name, tensor, len(maps) if sample.ndim == 3 else None, last)
        layout = f' data-grid="{layout}" data-sample="{_sample(sample)}"' if sample.ndim == 3 else ""
        if sample.ndim == 3 and len(sample) > len(maps) and os.environ.get("LINEWALK_ALL_CHANNELS"):
            layout += _all_channels(sample, scale)
    caption = f"<code>{escape(shown)}</code>{_said(_channel_words(tensor, channels, places))}" if words else ""
    if weights:
        caption += f"<small>{weights.html()}</small>"
    alt = _alt(tensor, name, channels, stats, places)
    return _figure(picture, alt, caption, _legend(stats, scale), heading, layout)


def drawable(tensor):
    """Whether there are values to see: none on the meta device, in a fake tensor, in an empty or a nested one."""
    if tensor.is_nested or tensor.numel() == 0 or tensor.dim() == 0 or tensor.device.type == "meta":
        return False
    if type(tensor) in (torch.Tensor, torch.nn.Parameter):
        return True
    try:
        _plain(tensor).numpy()
    except Exception:  # a class of its own, whose values only it can read
        return False
    return True


def looks_like_photograph(tensor):
    """Whether (N, 3, H, W) holds a picture under ImageNet's normalization, at least 32 pixels a side."""
    if tensor.dim() != 4 or tensor.shape[1] != 3 or min(tensor.shape[2:]) < 32 or not tensor.is_floating_point():
        return False
    if not drawable(tensor):
        return False
    pixels = _plain(tensor[:1])
    return torch.allclose(normalize(denormalize(pixels)), pixels, atol=0.02)  # nothing had to be clamped into 0…1


def number(value):
    """Three significant digits, with a real minus sign: −3.21, 0.045, 12,800."""
    if not math.isfinite(value):
        return "nan"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", "−") if float(text.replace(",", "")) else "0"


def percent(share):
    """A share as whole percent, never rounded to a false "none" or "all"."""
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def _dense(tensor):
    return tensor.dequantize() if tensor.is_quantized else tensor.to_dense()


def _plain(tensor):
    tensor = _dense(tensor.detach())
    return (tensor.abs() if tensor.is_complex() else tensor).to("cpu", torch.float32)


def _first_sample(tensor):
    sample = tensor if tensor.dim() == 1 else tensor[0]
    if sample.dim() == 3 and sample.shape[1:] == (1, 1):
        return sample.flatten()
    while sample.dim() > 3:  # a volume shows its middle slice
        sample = sample[:, sample.shape[1] // 2]
    return sample


def _palette():
    """Index 0 is −full, _LEVELS is zero (transparent), 2·_LEVELS is +full; then NaN and the frame of a tile."""
    opacity = np.linspace(0, 255, _LEVELS + 1).round().astype(int)
    negative = [(*NEGATIVE, a) for a in opacity[:0:-1]]
    positive = [(*POSITIVE, a) for a in opacity[1:]]
    rgba = [*negative, (0, 0, 0, 0), *positive, NOT_FINITE, FRAME, (0, 0, 0, 0)]
    return ListedColormap(np.array(rgba) / 255)


_COLOURS = _palette()
_BROKEN, _EDGE, _NOTHING = 2 * _LEVELS + 1, 2 * _LEVELS + 2, 2 * _LEVELS + 3


def _levels(values, scale):
    """Palette indices; the power lifts small values, and what is not zero never becomes zero."""
    with np.errstate(invalid="ignore"):
        strength = np.clip(np.abs(values) / scale, 0, 1) ** 0.75 * _LEVELS
    level = _LEVELS + np.sign(np.nan_to_num(values)) * np.ceil(np.nan_to_num(strength))
    return np.where(np.isfinite(values), level, _BROKEN).astype(np.uint8)


def _grid(tiles, columns, total):
    """The tiles as one picture, and in words for a script how they lie, of how many channels."""
    height, width = tiles[0].shape
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    canvas = np.full((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP), _NOTHING, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + _GAP), index % columns * (width + _GAP)
        canvas[top:top + height, left:left + width] = tile
    layout = {"columns": columns, "maps": len(tiles), "total": total, "tile": [width, height], "gap": _GAP}
    return _image(canvas), escape(json.dumps(layout), quote=True)


def _all_channels(sample, scale):
    """Attributes with a picture of all channels, a pixel a value."""
    levels = [_framed(_averaged(channel, scale)) for channel in sample[:_MOST_MAPS]]
    fitting = levels[:max(1, _MOST_VALUES // levels[0].size)]
    picture, layout = _grid(fitting, _COLUMNS if max(sample.shape[1:]) > _TILE // 2 else 2 * _COLUMNS, len(sample))
    return f' data-all="{_data_uri(picture, quality=50, method=2)}" data-all-grid="{layout}"'


def _tile(channel, scale):
    """One channel about _TILE pixels a side: large maps averaged down, small ones with every value a square."""
    level = _averaged(channel, scale)
    times = max(1, _TILE // max(level.shape))
    return _framed(level.repeat(times, 0).repeat(times, 1))


def _averaged(channel, scale):
    """The colours of one channel, at most _TILE a side."""
    side = max(channel.shape)
    if side > _TILE:
        size = [max(1, round(length * _TILE / side)) for length in channel.shape]
        channel = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(channel)[None], size)[0].numpy()
    return _levels(channel, scale)


def _framed(level):
    return np.pad(level, 1, constant_values=_EDGE)


def _bars(values, scale):
    """One bar a value, up from the middle line where positive and down where negative."""
    values = values[:_STRIP_WIDTH]
    level = _levels(values, scale)
    half = _STRIP_HEIGHT // 2
    with np.errstate(invalid="ignore"):
        length = np.clip(np.ceil(np.abs(values) / scale * half), 0, half)
    length = np.where(np.isfinite(values), length, half)
    rows = half - np.arange(_STRIP_HEIGHT + 1)[:, None]  # height above the middle line
    up = (rows > 0) & (rows <= length) & ((values > 0) | ~np.isfinite(values))
    down = (rows < 0) & (-rows <= length) & ((values < 0) | ~np.isfinite(values))
    full = np.where(level == _BROKEN, _BROKEN, np.where(level > _LEVELS, 2 * _LEVELS, 0))
    canvas = np.where(up | down, full, _NOTHING)
    canvas[half] = _EDGE
    return _image(canvas.repeat(max(1, _STRIP_WIDTH // len(values)), 1).astype(np.uint8))


def _image(levels):
    return Image.fromarray(_COLOURS(levels, bytes=True), "RGBA")


def photograph_uri(tensor, width):
    """A normalized photograph (N, 3, H, W) as a data URI, so many pixels wide."""
    picture = Image.fromarray(_pixels(tensor))
    return _data_uri(picture.resize((width, round(width * picture.height / picture.width))), quality=80)


def _pixels(tensor):
    return denormalize(_plain(tensor[:1]))[0].permute(1, 2, 0).mul(255).round().byte().numpy()


def _photograph(tensor, name, stats):
    shape = "×".join(map(str, tensor.shape[1:]))
    alt = Bilingual(
        f"照片 {name}，{shape}，归一化前的样子；归一化后最小 {number(stats.low)}，最大 {number(stats.high)}",
        f"the photograph {name}, {shape}, as before its normalization; normalized from {number(stats.low)} to "
        f"{number(stats.high)}",
    )
    words = Bilingual("照片，归一化前的样子", "the photograph, as before normalization")
    return Image.fromarray(_pixels(tensor)), alt, f"<code>{escape(name)}[0]</code><span>{words.html()}</span>"


def _sample(values):
    """The values in the middle of so many equal parts of the memory: "-0.213,0,1.5"."""
    middles = [(2 * part + 1) * values.size // (2 * _SAMPLED) for part in range(_SAMPLED)]
    return ",".join(f"{value:.6g}" for value in values.reshape(-1)[middles])


def _indexed(name, tensor, count, last):
    """What is drawn, in code: `out[0, :16]`; `last`: the channels are the code's last axis."""
    if tensor.dim() == 1:
        return f"{name}[:{count}]" if count < len(tensor) else name
    if count is None or count >= tensor.shape[1]:
        return f"{name}[0]"
    return f"{name}[0, {'..., ' if last else ''}:{count}]"


def _channel_words(tensor, channels, places):
    if tensor.dim() < 4:
        return _NO_WORDS
    total = tensor.shape[1]
    count = min(total, _STRIP_WIDTH if tuple(tensor.shape[2:]) == (1, 1) else channels)
    if places is None:  # heads, windows, tokens: what the axis is cannot be told
        if count == total:
            return Bilingual(f"dim 1 的全部 {total} 个", f"all {total} along dim 1")
        return Bilingual(f"dim 1 的 {total} 个中的前 {count} 个", f"the first {count} of {total} along dim 1")
    if count == total:
        return Bilingual(f"全部 {total} 个通道", f"all {total} channels")
    return Bilingual(f"{total} 个通道中的前 {count} 个", f"the first {count} of {total} channels")


def _said(words):
    return "" if words is _NO_WORDS else f"<span>{words.html()}</span>"


def _alt(tensor, name, channels, stats, places):
    shape = "×".join(map(str, tensor.shape[2:] if tensor.dim() >= 4 else tensor.shape))
    shown = _channel_words(tensor, channels, places)
    zh, en = f"{name}：{shown.zh}，{shape}", f"{shown.en} of {name}, {shape}"
    if shown is _NO_WORDS:
        zh, en = f"{name}，{shape}", f"{name}, {shape}"
    if math.isnan(stats.low):
        return Bilingual(f"{zh}，没有一个有限的数", f"{en}, no finite value")
    zh += f"，最小 {number(stats.low)}，最大 {number(stats.high)}，其中 {percent(stats.negative)} 为负"
    en += f", from {number(stats.low)} to {number(stats.high)}, {percent(stats.negative)} negative"
    if stats.broken:
        zh, en = f"{zh}，{stats.broken:,} 个不是有限数", f"{en}, {stats.broken:,} not finite"
    return Bilingual(zh, en)


def _legend(stats, scale):
    broken = f"<span>nan/inf {stats.broken:,}</span>" if stats.broken else ""
    return (
        f'<div class="lw-legend"><span>−{number(scale)}</span><i></i><span>{number(scale)}</span>'
        f"<span>min {number(stats.low)}</span><span>max {number(stats.high)}</span>"
        f"<span>{escape(percent(stats.negative))} &lt; 0</span>{broken}</div>"
    )


def _figure(picture, alt, caption, legend, heading, layout=""):
    uri = _data_uri(picture, quality=100, method=4) if picture.mode == "RGBA" else _data_uri(picture, quality=80)
    zh, en = escape(alt.zh, quote=True), escape(alt.en, quote=True)
    return (
        f'<figure class="lw-maps">{heading}<img src="{uri}" width="{picture.width}" height="{picture.height}" '
        f'alt="{zh} / {en}" data-alt-zh="{zh}" data-alt-en="{en}"{layout}>'
        f"<figcaption>{legend}{caption}</figcaption></figure>"
    )


def _data_uri(picture, **how):
    stored = io.BytesIO()
    picture.save(stored, "WebP", lossless=picture.mode == "RGBA", **how)
    return "data:image/webp;base64," + base64.b64encode(stored.getvalue()).decode()

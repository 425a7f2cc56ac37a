"""Feature maps as a picture: a grid of channels, negative blue, positive orange, zero nothing at all."""

import json
import math
import os
from html import escape
from typing import NamedTuple

import torch

from ..errors import Bilingual
from ..images import denormalize, normalize
from .pictures import Picture, data_uri

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
    once = each_once(_plain(tensor))
    times = tensor.numel() // once.numel()
    values = once.flatten()
    low, high = values.amin().item(), values.amax().item()
    count = len(values)
    if not math.isfinite(low) or not math.isfinite(high):  # so is what has a NaN
        finite = values.isfinite()
        count = int(finite.sum())
        if not count:
            return Spread(math.nan, math.nan, 0.0, 0.0, tensor.numel())
        low, high = (float(getattr(values.where(finite, torch.tensor(edge)), name)())
                     for edge, name in ((math.inf, "amin"), (-math.inf, "amax")))
        values = values[finite]
    sizes = values[::math.ceil(count / _ENOUGH)].abs()
    return Spread(
        low=low,
        high=high,
        typical=_quantile(sizes, 0.995) or max(-low, high),
        negative=int((values < 0).sum()) / count,
        broken=times * (once.numel() - count),
    )


def _quantile(values, share):
    """Between the two values of a vector that are nearest to it."""
    place = share * (len(values) - 1)
    below = math.floor(place)
    largest = values.topk(len(values) - below).values
    low, high = largest[-1].item(), largest[-2 if place > below else -1].item()
    return low + (high - low) * (place - below)


def feature_maps(tensor, name="out", channels=16, scale=None, weights=None, heading="", words=True,
                 places=(2, 3), stats=None):
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
        stats: the tensor's `Spread`, where it is known already.

    Returns:
        `<figure>` as a string; "" for a single number, for a tensor without values and for a nested one.
    """
    if not drawable(tensor):
        return ""
    tensor = _dense(tensor)
    stats = stats or spread(tensor)
    last = tensor.dim() == 4 and places == (1, 2)
    if last:
        tensor = tensor.movedim(3, 1)
    if looks_like_photograph(tensor):
        return _figure(*_photograph(tensor, name, stats), "", heading)
    scale = scale or stats.typical or 1.0
    sample = _plain(_first_sample(tensor))
    layout = ""
    if sample.dim() == 1:
        picture, shown = _bars(sample, scale), _indexed(name, tensor, min(len(sample), _STRIP_WIDTH), last)
    else:
        maps = sample[:channels] if sample.dim() == 3 else sample[None]
        picture, layout = _grid(_tiles(maps, scale), _COLUMNS, len(sample))
        shown = _indexed(name, tensor, len(maps) if sample.dim() == 3 else None, last)
        layout = f' data-grid="{layout}" data-sample="{_sample(sample)}"' if sample.dim() == 3 else ""
        if sample.dim() == 3 and len(sample) > len(maps) and os.environ.get("LINEWALK_ALL_CHANNELS"):
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
        _plain(tensor).tolist()
    except Exception:  # a class of its own, whose values only it can read
        return False
    return True


def looks_like_photograph(tensor):
    """Whether (N, 3, H, W) holds a picture under ImageNet's normalization, at least 32 pixels a side."""
    if tensor.dim() != 4 or tensor.shape[1] != 3 or min(tensor.shape[2:]) < 32 or not tensor.is_floating_point():
        return False
    if not drawable(tensor):
        return False
    pixels = each_once(_plain(tensor[:1]))
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
    if tensor.is_quantized:
        return tensor.dequantize()
    return tensor if tensor.layout is torch.strided else tensor.to_dense()


def each_once(tensor):
    """A large tensor without its repetitions: what was expanded along an axis is there once; any other as it is."""
    if tensor.numel() <= _ENOUGH or tensor.layout is not torch.strided:
        return tensor
    return tensor[tuple(slice(None if stride else 1) for stride in tensor.stride())]


def _plain(tensor):
    tensor = _dense(tensor.detach())
    once = each_once(tensor)
    return (once.abs() if once.is_complex() else once).to("cpu", torch.float32).expand(tensor.shape)


def _first_sample(tensor):
    sample = tensor if tensor.dim() == 1 else tensor[0]
    if sample.dim() == 3 and sample.shape[1:] == (1, 1):
        return sample.flatten()
    while sample.dim() > 3:  # a volume shows its middle slice
        sample = sample[:, sample.shape[1] // 2]
    return sample


def _palette():
    """Index 0 is −full, _LEVELS is zero (transparent), 2·_LEVELS is +full; then NaN, the frame of a tile, nothing."""
    opacity = [round(255 * level / _LEVELS) for level in range(_LEVELS + 1)]
    negative = [(*NEGATIVE, a) for a in opacity[:0:-1]]
    positive = [(*POSITIVE, a) for a in opacity[1:]]
    return [*negative, (0, 0, 0, 0), *positive, NOT_FINITE, FRAME, (0, 0, 0, 0)]


_COLOURS = _palette()
_BROKEN, _EDGE, _NOTHING = 2 * _LEVELS + 1, 2 * _LEVELS + 2, 2 * _LEVELS + 3


def _levels(values, scale):
    """Palette indices; the power, 0.75, lifts small values, and what is not zero never becomes zero."""
    root = (values.abs() / scale).clamp(0, 1).sqrt()
    strength = (root * root.sqrt() * _LEVELS).ceil()
    level = values.sign() * strength + _LEVELS
    return level.where(values.isfinite(), torch.tensor(float(_BROKEN))).byte()


def _grid(tiles, columns, total):
    """The tiles as one picture, and in words for a script how they lie, of how many channels."""
    height, width = tiles[0].shape
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    sides = rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP
    canvas = torch.full(sides, _NOTHING, dtype=torch.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + _GAP), index % columns * (width + _GAP)
        canvas[top:top + height, left:left + width] = tile
    layout = {"columns": columns, "maps": len(tiles), "total": total, "tile": [width, height], "gap": _GAP}
    return _image(canvas), escape(json.dumps(layout), quote=True)


def _all_channels(sample, scale):
    """Attributes with a picture of all channels, a pixel a value."""
    levels = _framed(_averaged(sample[:_MOST_MAPS], scale))
    fitting = levels[:max(1, _MOST_VALUES // levels[0].numel())]
    picture, layout = _grid(fitting, _COLUMNS if max(sample.shape[1:]) > _TILE // 2 else 2 * _COLUMNS, len(sample))
    return f' data-all="{data_uri(picture, quality=50, method=2)}" data-all-grid="{layout}"'


def _tiles(maps, scale):
    """The maps, each about _TILE pixels a side: large ones averaged down, small ones with every value a square."""
    levels = _averaged(maps, scale)
    times = max(1, _TILE // max(levels.shape[1:]))
    return _framed(_repeated(levels, times, times))


def _averaged(maps, scale):
    """The colours of maps (C, H, W), at most _TILE a side."""
    sides = maps.shape[1:]
    if max(sides) > _TILE:
        height, width = (max(1, round(length * _TILE / max(sides))) for length in sides)
        once = each_once(maps)
        averages = _means(once.shape[1], height) @ once @ _means(once.shape[2], width).T
        maps = averages.expand(len(maps), height, width)
    return _levels(maps, scale)


def _means(length, parts):
    """(parts, length): times a vector, the means over equal parts of it, as adaptive average pooling has them."""
    matrix = torch.zeros(parts, length)
    for part in range(parts):
        start, end = part * length // parts, -(-(part + 1) * length // parts)
        matrix[part, start:end] = 1 / (end - start)
    return matrix


def _repeated(levels, down, across):
    """Every value so many times, below and beside one another."""
    count, height, width = levels.shape
    repeated = levels[:, :, None, :, None].expand(count, height, down, width, across)
    return repeated.reshape(count, height * down, width * across)


def _framed(levels):
    count, height, width = levels.shape
    framed = torch.full((count, height + 2, width + 2), _EDGE, dtype=torch.uint8)
    framed[:, 1:-1, 1:-1] = levels
    return framed


def _bars(values, scale):
    """One bar a value, up from the middle line where positive and down where negative."""
    half, finite = _STRIP_HEIGHT // 2, values[:_STRIP_WIDTH].isfinite()
    values = values[:_STRIP_WIDTH].where(finite, torch.tensor(0.0))
    length = (values.abs() / scale * half).ceil().clamp(0, half)
    whole = torch.tensor(float(half))
    up = length.where(values > 0, torch.tensor(0.0)).where(finite, whole)  # how far a bar reaches, up and down
    down = length.where(values < 0, torch.tensor(0.0)).where(finite, whole)
    rows = (half - torch.arange(_STRIP_HEIGHT + 1.0))[:, None]  # height above the middle line
    drawn = ((rows > 0) & (rows <= up)) | ((rows < 0) & (-rows <= down))
    full = torch.tensor(2.0 * _LEVELS).where(values > 0, torch.tensor(0.0)).where(finite, torch.tensor(float(_BROKEN)))
    canvas = full.expand(drawn.shape).where(drawn, torch.tensor(float(_NOTHING))).byte()
    canvas[half] = _EDGE
    return _image(_repeated(canvas[None], 1, max(1, _STRIP_WIDTH // len(values)))[0])


def _image(levels):
    height, width = levels.shape
    return Picture(width, height, bytes(levels.flatten().tolist()), _COLOURS)


def photograph_uri(tensor, width):
    """A normalized photograph (N, 3, H, W) as a data URI, so many pixels wide."""
    channels = denormalize(_plain(tensor[:1]))[0]
    height = round(width * channels.shape[1] / channels.shape[2])
    down, across = _means(channels.shape[1], height), _means(channels.shape[2], width).T
    return data_uri(_coloured(down @ channels @ across), quality=80)


def _coloured(channels):
    """(3, H, W) in 0…1 as a picture."""
    _, height, width = channels.shape
    return Picture(width, height, bytes((channels * 255).round().byte().permute(1, 2, 0).flatten().tolist()))


def _photograph(tensor, name, stats):
    shape = "×".join(map(str, tensor.shape[1:]))
    alt = Bilingual(
        f"照片 {name}，{shape}，归一化前的样子；归一化后最小 {number(stats.low)}，最大 {number(stats.high)}",
        f"the photograph {name}, {shape}, as before its normalization; normalized from {number(stats.low)} to "
        f"{number(stats.high)}",
    )
    words = Bilingual("照片，归一化前的样子", "the photograph, as before normalization")
    picture = _coloured(denormalize(_plain(tensor[:1]))[0])
    return picture, alt, f"<code>{escape(name)}[0]</code><span>{words.html()}</span>"


def _sample(values):
    """The values in the middle of so many equal parts of the memory: "-0.213,0,1.5"."""
    middles = [(2 * part + 1) * values.numel() // (2 * _SAMPLED) for part in range(_SAMPLED)]
    places = [_place(middle, values.shape) for middle in middles]  # not flattened, which would write it out
    return ",".join(f"{value:.6g}" for value in values[tuple(map(list, zip(*places, strict=True)))].tolist())


def _place(number, shape):
    """The indices of an element by its number."""
    found = []
    for size in reversed(shape):
        number, index = divmod(number, size)
        found.insert(0, index)
    return found


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
    uri = data_uri(picture, quality=80) if picture.palette is None else data_uri(picture, quality=100, method=4)
    zh, en = escape(alt.zh, quote=True), escape(alt.en, quote=True)
    return (
        f'<figure class="lw-maps">{heading}<img src="{uri}" width="{picture.width}" height="{picture.height}" '
        f'alt="{zh} / {en}" data-alt-zh="{zh}" data-alt-en="{en}"{layout}>'
        f"<figcaption>{legend}{caption}</figcaption></figure>"
    )

"""Maps made larger and smaller, one dimension after the other, and maps seen at places between their numbers."""

import math

from .._public import FUNCTIONS
from .places import mixed, whole
from .steps import composed


def _sources(size, wanted, scale, corners):
    """Where each result lies among `size` numbers, between them."""
    if corners:
        return [at * (size - 1) / (wanted - 1) if wanted > 1 else 0.0 for at in range(wanted)]
    step = 1 / scale if scale else size / wanted
    return [(at + 0.5) * step - 0.5 for at in range(wanted)]


def _hat(x):
    return max(0.0, 1 - abs(x))


def _cubic(x, a):
    x = abs(x)
    if x <= 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return ((x - 5) * x + 8) * x * a - 4 * a if x < 2 else 0.0


def _table(size, wanted, scale, corners, is_cubic, antialias):
    """How much of each number is in each result: (wanted × size)."""
    sources, table = _sources(size, wanted, scale, corners), []
    if antialias:
        step = (size - 1) / max(wanted - 1, 1) if corners else 1 / scale if scale else size / wanted
        wide = max(step, 1.0)
        shape, reach = ((lambda x: _cubic(x, -0.5)), 2 * wide) if is_cubic else (_hat, wide)
        for at in range(wanted):
            centre = step * (at + 0.5)
            first, last = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), size)
            shares = [shape((place - centre + 0.5) / wide) for place in range(first, last)]
            table.append(_placed(size, zip(range(first, last), (one / sum(shares) for one in shares), strict=True)))
        return table
    for source in sources:
        source = source if is_cubic else max(source, 0.0)
        base = math.floor(source)
        steps = range(-1, 3) if is_cubic else range(2)
        shares = [
            _cubic(source - base - step, -0.75) if is_cubic else _hat(source - base - step) for step in steps
        ]
        table.append(_placed(size, zip((base + step for step in steps), shares, strict=True)))
    return table


def _placed(size, pairs):
    row = [0.0] * size
    for place, share in pairs:
        row[min(max(place, 0), size - 1)] += share
    return row


def smooth(self, output_size, align_corners=False, scales=None, is_cubic=False, antialias=False):
    """Mixtures of neighbours; scales: the factors that were asked for, where they were."""
    sizes, factors = self._shape[-len(output_size) :], scales or [None] * len(output_size)
    rows = zip(sizes, output_size, factors, strict=True)
    return mixed(self, [_table(*row, align_corners, is_cubic, antialias) for row in rows])


composed("upsample_linear1d", "upsample_trilinear3d", is_linear=True)(smooth)


@composed("upsample_bicubic2d", is_linear=True)
def _bicubic(self, output_size, align_corners=False, scales=None):
    return smooth(self, output_size, align_corners, scales, is_cubic=True)


@composed("_upsample_bilinear2d_aa", is_linear=True)
def _bilinear_without_steps(self, output_size, align_corners=False, scales=None):
    return smooth(self, output_size, align_corners, scales, antialias=True)


@composed("_upsample_bicubic2d_aa", is_linear=True)
def _bicubic_without_steps(self, output_size, align_corners=False, scales=None):
    return smooth(self, output_size, align_corners, scales, is_cubic=True, antialias=True)


def nearest(self, output_size, align_corners=False, scales=None, half=0.0):
    """half: 0.5 where a result stands for the middle of its stretch."""
    for number, wanted in enumerate(output_size):
        at = self.dim() - len(output_size) + number
        size, scale = self._shape[at], scales and scales[number]
        places = [
            math.floor((place + half) / scale if scale else (place + half) * size / wanted) for place in range(wanted)
        ]
        self = self.index_select(at, whole([min(place, size - 1) for place in places]))
    return self


composed("upsample_nearest1d", "upsample_nearest3d", is_linear=True)(nearest)


@composed(*(f"_upsample_nearest_exact{count}d" for count in (1, 2, 3)), is_linear=True)
def _nearest_of_middles(self, output_size, align_corners=False, scales=None):
    return nearest(self, output_size, align_corners, scales, half=0.5)


# seen at places


@composed("affine_grid_generator", is_linear=True)
def _affine_grid(theta, size, align_corners=False):
    batch, _, *places = size
    ranges = [_centres(count, align_corners, theta) for count in places]
    grids = FUNCTIONS["meshgrid"](*ranges, indexing="ij")
    base = FUNCTIONS["stack"]([*reversed(grids), FUNCTIONS["ones_like"](grids[0])], -1)
    base = base.reshape(1, -1, len(places) + 1).expand(batch, -1, -1)
    return base.bmm(theta.transpose(1, 2)).reshape(batch, *places, len(places))


def _centres(count, corners, like):
    if corners:
        values = [2 * at / (count - 1) - 1 if count > 1 else 0.0 for at in range(count)]
    else:
        values = [(2 * at + 1) / count - 1 for at in range(count)]
    return FUNCTIONS["tensor"](values, dtype=like.dtype)


@composed("grid_sampler_2d", "grid_sampler_3d")
def _grid_sample(self, grid, interpolation_mode=0, padding_mode=0, align_corners=False):
    sizes = self._shape[2:]
    places = [
        _place(grid.select(-1, len(sizes) - 1 - axis), size, align_corners) for axis, size in enumerate(sizes)
    ]
    if interpolation_mode != 2:
        pairs = zip(places, sizes, strict=True)
        places = [_kept_within(place, size, padding_mode, align_corners) for place, size in pairs]
    if interpolation_mode == 1:
        return _seen_at(self, [(place.round(), place.round() * 0 + 1) for place in places])
    floors = [place.detach().floor() for place in places]
    apart = [place - floor for place, floor in zip(places, floors, strict=True)]
    steps = [-1, 0, 1, 2] if interpolation_mode == 2 else [0, 1]
    summed = 0
    for corner in _corners(len(sizes), steps):
        spots = []
        for axis, step in enumerate(corner):
            share = _share(apart[axis], step, interpolation_mode == 2)
            place = floors[axis] + step
            if interpolation_mode == 2:
                place = _kept_within(place, sizes[axis], padding_mode, align_corners)
            spots.append((place, share))
        summed = summed + _seen_at(self, spots)
    return summed


def _corners(count, steps):
    return [()] if not count else [(step, *rest) for step in steps for rest in _corners(count - 1, steps)]


def _share(apart, step, is_cubic):
    if not is_cubic:
        return apart if step else 1 - apart
    x = (apart - step).abs()
    a = -0.75
    return ((a + 2) * x - (a + 3)) * x * x + 1 if step in (0, 1) else ((x - 5) * x + 8) * x * a - 4 * a


def _place(asked, size, corners):
    return (asked + 1) / 2 * (size - 1) if corners else ((asked + 1) * size - 1) / 2


def _kept_within(place, size, padding_mode, corners):
    if padding_mode == 2:
        low, span = (0.0, size - 1) if corners else (-0.5, size)
        if not span:
            return place * 0
        away = (place - low).abs()
        turns = (away / span).detach().floor()
        rest = away - turns * span
        place = FUNCTIONS["where"](turns % 2 == 0, rest + low, span - rest + low)
    return place.clamp(0, size - 1) if padding_mode else place


def _seen_at(self, spots):
    """The numbers at whole places, each times its shares; zero beyond the edges."""
    sizes, at, share, within = self._shape[2:], 0, 1, True
    for (place, part), size in zip(spots, sizes, strict=True):
        place = place.detach()
        within = (place >= 0) & (place < size) & within
        share = share * part
        at = at * size + place.clamp(0, size - 1).long()
    batch, channels = self._shape[:2]
    flat = at.reshape(batch, 1, -1).expand(batch, channels, -1)
    seen = self.flatten(2).gather(2, flat).reshape(batch, channels, *at._shape[1:])
    return FUNCTIONS["where"](within.unsqueeze(1), seen * share.unsqueeze(1), 0.0)

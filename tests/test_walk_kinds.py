"""More of the kinds that once broke a walk: the truth is the plain call, gradients' support, or worked out by hand."""

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from linewalk import walk


def module(forward, **parts):
    """A module with one forward, `self.name` for each part."""
    made = type("Made", (nn.Module,), {"forward": forward})()
    for name, part in parts.items():
        setattr(made, name, part)
    return made


# ---- what a value sees of the input, where its parts do not lie on each other


def seen_by(net, x):
    """By gradients: how many pixels one value of the result sees along each axis, the most of some values."""
    x = x.clone().requires_grad_()
    y, most = net(x), (0,) * (x.dim() - 2)
    places = [tuple(size // 2 for size in y.shape), tuple(size // 2 - 1 for size in y.shape), (0,) * y.dim()]
    for place in places:
        seen = torch.autograd.grad(y[place], x, retain_graph=True)[0].ne(0).nonzero()
        most = tuple(map(max, most, (seen.amax(0) - seen.amin(0) + 1)[2:].tolist()))
    return most


SIGNAL, PICTURE = torch.rand(1, 2, 40), torch.rand(1, 2, 24, 21)
CONV = nn.Conv2d(2, 2, (1, 5))


@pytest.mark.parametrize(("look", "x", "seen"), [
    (lambda x: x[..., 1:] - x[..., :-1], SIGNAL, (2,)),
    (lambda x: x[..., 10:] + x[..., :-10], SIGNAL, (11,)),
    (lambda x: torch.diff(x), SIGNAL, (2,)),
    (lambda x: x + F.pad(x[..., :-4], (4, 0)), SIGNAL, (5,)),
    (lambda x: sum(x[..., i:i + 30] for i in range(4)), SIGNAL, (4,)),
    (lambda x: F.avg_pool1d(F.pad(x, (3, 0)), 4, 1) * x, SIGNAL, (4,)),
    (lambda x: F.avg_pool1d(x, 3, 1, 1)[..., 5:] + x[..., :-5], SIGNAL, (7,)),
    (lambda x: torch.cat([x[..., ::2, :20], x[..., 1::2, :20]], 1).sum(1, keepdim=True), PICTURE, (2, 1)),
    (lambda x: sum(x.split(7, 3)), PICTURE, (1, 15)),
    (lambda x: sum(x.split([8, 8, 8], 2)), PICTURE, (17, 1)),
    (lambda x: CONV(x.transpose(2, 3)), PICTURE, (5, 1)),
])
def test_what_two_parts_see_together(look, x, seen):
    def forward(self, x):
        y = look(x)
        return y

    assert seen_by(module(forward), x) == walk(module(forward), x)[1].receptive_sides == seen


def overwritten(self, x):
    y = torch.zeros_like(x)
    y[..., 1:] = x[..., :-1]
    return y + x


def grown(self, x):
    y = x.clone()
    y[..., :20] = F.avg_pool1d(x, 5, 1, 2)[..., :20]
    return y * 1


def flattened(self, x):
    y = x.clone()
    y.view(-1).copy_(F.avg_pool1d(x, 3, 1, 1).reshape(-1))
    return y * 1


def added_to_each(self, x):
    y = x.clone()
    torch._foreach_add_([y], [F.avg_pool1d(x, 3, 1, 1)])
    return y * 1


@pytest.mark.parametrize("forward", [overwritten, grown, flattened, added_to_each])
def test_no_field_where_a_part_was_overwritten(forward):
    assert max(seen_by(module(forward), SIGNAL)) > 1
    assert walk(module(forward), SIGNAL)[-1].receptive_sides is None


def test_no_field_where_axes_are_swapped_and_added():
    def forward(self, x):
        return x[..., :21, :] + x[..., :21, :].transpose(2, 3)

    assert walk(module(forward), PICTURE)[-1].receptive_sides is None


def test_what_is_written_over_wholly_has_the_field_of_what_was_written():
    def forward(self, x):
        y = torch.empty_like(x)
        y.copy_(F.avg_pool1d(x, 3, 1, 1))
        y.relu_()
        z = y[..., 4:]
        return z

    assert walk(module(forward), SIGNAL)[4].receptive_sides == (3,)


def test_no_field_where_a_convolution_takes_an_axis_of_places_for_channels():
    def forward(self, x):
        return self.conv(x.permute(0, 2, 3, 1))

    net = module(forward, conv=nn.Conv2d(24, 1, (3, 1)))
    assert seen_by(net, PICTURE)[0] == 24 and walk(net, PICTURE)[1].receptive_sides is None

"""Functions of single numbers that Python computes, one after the other."""

import math

from .. import _metadata as meta
from .. import _numbers
from .._computed import kind
from .._numbers import computes, numbers
from .._public import FUNCTIONS
from .._tape import derivative
from .steps import composed, followed


def _of_one(name, function):
    @computes(name)
    def compute(target, self):
        engine = _numbers.engine
        return engine.of(kind(target.dtype), [function(value) for value in engine.listed(numbers(self))])


def _of_two(name, function):
    @computes(name)
    def compute(target, self, other, alpha=1):
        engine = _numbers.engine
        pairs = (
            engine.listed(numbers(one, target._shape)) if hasattr(one, "_shape") else [one] * target.numel()
            for one in (self, other)
        )
        return engine.of(kind(target.dtype), [function(one, two) for one, two in zip(*pairs, strict=True)])


def _within(function, low, high, at_low=math.nan, at_high=math.nan):
    """A function where it is defined; at the ends of that, and beyond them, what PyTorch says."""

    def compute(x):
        if low < x < high:
            return function(x)
        return at_low if x == low else at_high if x == high else math.nan

    return compute


def _inverse_erf(x):
    guess = math.copysign(math.sqrt(max(-math.log1p(-x * x), 0)), x)
    guess = x * math.sqrt(math.pi) / 2 if abs(x) < 0.5 else guess
    for _ in range(60):
        slope = 2 / math.sqrt(math.pi) * math.exp(-guess * guess)
        step = (math.erf(guess) - x) / slope
        step /= 1 + guess * step
        guess -= step
        if abs(step) < 1e-15:
            break
    return guess


def _digamma(x):
    if x <= 0 and x == math.floor(x):
        return -math.inf if x == 0 else math.nan
    if x < 0:
        return _digamma(1 - x) - math.pi / math.tan(math.pi * x)
    found = 0.0
    while x < 6:
        found -= 1 / x
        x += 1
    square = 1 / (x * x)
    return found + math.log(x) - 0.5 / x - square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))


def _bessel(x):
    term = found = 1.0
    for n in range(1, 200):
        term *= (x / 2 / n) ** 2
        found += term
        if term < 1e-17 * found:
            break
    return found


def _gamma(x):
    return math.inf if math.isinf(x) or (x <= 0 and x == math.floor(x)) else math.lgamma(x)


def _hyperbolic(x):
    return math.copysign(math.inf, x) if math.isinf(x) else math.asinh(x)


for _name, _function in {
    "acosh": lambda x: math.acosh(x) if x >= 1 else math.nan,
    "asinh": _hyperbolic,
    "atanh": _within(math.atanh, -1, 1, -math.inf, math.inf),
    "erfc": math.erfc,
    "erfinv": _within(_inverse_erf, -1, 1, -math.inf, math.inf),
    "logit": _within(lambda x: math.log(x / (1 - x)), 0, 1, -math.inf, math.inf),
    "sinc": lambda x: math.sin(math.pi * x) / (math.pi * x) if x else 1.0,
    "lgamma": _gamma,
    "digamma": _digamma,
    "deg2rad": math.radians,
    "rad2deg": math.degrees,
    "i0": _bessel,
    "sgn": lambda x: (x > 0) - (x < 0),
    "conj_physical": lambda x: x,
    "isposinf": lambda x: x == math.inf,
    "isneginf": lambda x: x == -math.inf,
    "signbit": lambda x: math.copysign(1, x) < 0,
}.items():
    _of_one(_name, _function)


def _logarithm_of_sum(exponential, logarithm):
    def compute(one, two):
        most = max(one, two)
        return most if math.isinf(most) else most + logarithm(1 + exponential(min(one, two) - most))

    return compute


for _name, _function in {
    "fmax": lambda x, y: y if math.isnan(x) else x if math.isnan(y) else max(x, y),
    "fmin": lambda x, y: y if math.isnan(x) else x if math.isnan(y) else min(x, y),
    "gcd": lambda x, y: math.gcd(int(x), int(y)),
    "lcm": lambda x, y: math.lcm(int(x), int(y)),
    "bitwise_left_shift": lambda x, y: int(x) << int(y),
    "bitwise_right_shift": lambda x, y: int(x) >> int(y),
    "hypot": math.hypot,
    "logaddexp": _logarithm_of_sum(math.exp, math.log),
    "logaddexp2": _logarithm_of_sum(lambda x: 2**x, math.log2),
    "xlogy": lambda x, y: math.nan if math.isnan(y) else 0.0 if x == 0 else x * _log(y),
    "copysign": math.copysign,
}.items():
    _of_two(_name, _function)


def _log(x):
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


# their slopes


def _slope(name, slope):
    @derivative(name)
    def formulas(keep, self, *args):
        its = keep(self)
        return (lambda grad: grad * slope(its()),)


for _name, _formula in {
    "acosh": lambda x: (x * x - 1).rsqrt(),
    "asinh": lambda x: (x * x + 1).rsqrt(),
    "atanh": lambda x: 1 / (1 - x * x),
    "asin": lambda x: (1 - x * x).rsqrt(),
    "acos": lambda x: -(1 - x * x).rsqrt(),
    "atan": lambda x: 1 / (x * x + 1),
    "sinh": lambda x: x.cosh(),
    "cosh": lambda x: x.sinh(),
    "erfc": lambda x: (-(x * x)).exp() * (-2 / math.sqrt(math.pi)),
    "erfinv": lambda x: x.erfinv().square().exp() * (math.sqrt(math.pi) / 2),
    "logit": lambda x: 1 / (x * (1 - x)),
    "lgamma": lambda x: x.digamma(),
    "deg2rad": lambda x: math.pi / 180,
    "rad2deg": lambda x: 180 / math.pi,
    "sinc": lambda x: FUNCTIONS["where"](x == 0, 0.0, ((math.pi * x).cos() - x.sinc()) / x),
    "frac": lambda x: 1,
    "sgn": lambda x: 0,
}.items():
    _slope(_name, _formula)


@derivative("xlogy")
def _xlogy(keep, self, other, alpha=1):
    its, others = keep(self), keep(other)
    return (
        lambda grad: grad * others().log().masked_fill((its() == 0) & (others() <= 0), 0),
        lambda grad: grad * its() / others(),
    )


@derivative("hypot")
def _hypot(keep, self, other, alpha=1):
    its, others, result = keep(self), keep(other), keep.result()
    return lambda grad: grad * its() / result(), lambda grad: grad * others() / result()


@derivative("logaddexp")
def _logaddexp(keep, self, other, alpha=1):
    its, others = keep(self), keep(other)
    return lambda grad: grad * (its() - others()).sigmoid(), lambda grad: grad * (others() - its()).sigmoid()


@derivative("copysign")
def _copysign(keep, self, other, alpha=1):
    its, result = keep(self), keep.result()
    return lambda grad: grad * (result() / its()).masked_fill(its() == 0, 0), lambda grad: grad * 0


def _farther(name, beats):
    @derivative(name)
    def formulas(keep, self, other, alpha=1):
        its, others = keep(self), keep(other)

        def is_first():
            return beats(its(), others()) | others().isnan()

        return lambda grad: grad * is_first(), lambda grad: grad * ~is_first()


_farther("fmax", lambda one, other: one >= other)
_farther("fmin", lambda one, other: one <= other)


@followed("nan_to_num")
def _without_nan(self, nan, most, least):
    where = FUNCTIONS["where"]
    inner = where(self == math.inf, most, where(self == -math.inf, least, self))
    return where(self.isnan(), nan, inner)


@composed("nansum")
def _sum_of_numbers(self, dim=None, keepdim=False, dtype=None):
    return self.masked_fill(self.isnan(), 0).sum(dim, keepdim, dtype=dtype)


@composed("nanmean")
def _mean_of_numbers(self, dim=None, keepdim=False, dtype=None):
    missing = self.isnan()
    return self.masked_fill(missing, 0).sum(dim, keepdim, dtype=dtype) / (~missing).sum(dim, keepdim)


@computes("nextafter")
def _next(target, self, other, alpha=1):
    if target.dtype is not meta.float64:
        raise _numbers.Unknown
    engine = _numbers.engine
    pairs = (engine.listed(numbers(one, target._shape)) for one in (self, other))
    return engine.of("float64", [math.nextafter(one, two) for one, two in zip(*pairs, strict=True)])

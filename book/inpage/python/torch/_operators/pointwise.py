"""What works value by value: shapes broadcast, types promote."""

from .. import _metadata as meta
from .._dispatch import operator
from .._public import FUNCTIONS, METHODS, both, function, method, named
from .._tensor import Tensor, made, need_tensor

_TO_FLOAT = (
    "acos acosh asin asinh atan atanh cos cosh erf erfc erfinv exp exp2 expm1 log log10 log1p log2 logit "
    "reciprocal rsqrt sigmoid sin sinc sinh sqrt tan tanh lgamma digamma deg2rad rad2deg i0"
)
_SAME_TYPE = "abs ceil floor frac neg round sign sgn trunc relu conj_physical positive"
_TO_BOOL = "isnan isinf isfinite isposinf isneginf logical_not signbit"
_BINARY = (
    "add sub mul maximum minimum fmax fmin remainder fmod bitwise_and bitwise_or bitwise_xor gcd lcm floor_divide "
    "bitwise_left_shift bitwise_right_shift"
)
_BINARY_TO_FLOAT = "div atan2 hypot logaddexp logaddexp2 xlogy copysign nextafter"
_COMPARING = "eq ne lt le gt ge logical_and logical_or logical_xor"
_ALIASES = {
    "absolute": "abs",
    "negative": "neg",
    "clip": "clamp",
    "arccos": "acos",
    "arcsin": "asin",
    "arctan": "atan",
    "fix": "trunc",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "not_equal": "ne",
    "arctan2": "atan2",
    "arccosh": "acosh",
    "arcsinh": "asinh",
    "arctanh": "atanh",
}


def elementwise(operands, dtype):
    """A new tensor of the operands' common shape, lying in memory as they do."""
    tensors = [value for value in operands if isinstance(value, Tensor)]
    shape = meta.broadcast([tensor._shape for tensor in tensors])
    return made(shape, dtype, meta.strides_like([(tensor._shape, tensor._strides) for tensor in tensors], shape))


def common_type(operands):
    return meta.result_type(
        [
            (value.dim(), value.dtype) if isinstance(value, Tensor) else (None, meta.type_of_scalar(value))
            for value in operands
        ]
    )


def floating(dtype):
    return dtype if dtype.is_floating_point or dtype.is_complex else meta.default_type()


def check_in_place(target, operands, dtype):
    """Whether `target` can take the result: it keeps its shape and its type."""
    shape = meta.broadcast([value._shape for value in operands if isinstance(value, Tensor)])
    if shape != target._shape:
        raise RuntimeError(f"output with shape {list(target._shape)} doesn't match the broadcast shape {list(shape)}")
    if dtype._kind > target.dtype._kind:
        raise RuntimeError(
            f"result type {meta.SCALAR_NAMES[dtype]} can't be cast to the desired output type "
            f"{meta.SCALAR_NAMES[target.dtype]}"
        )
    return target


_TENSORS_ALONE = {"maximum", "minimum", "fmax", "fmin", "atan2", "hypot", "logical_and", "logical_or", "logical_xor"}


def _checked(name, operands):
    for place, value in enumerate(operands):
        if not isinstance(value, Tensor if name in _TENSORS_ALONE else (Tensor, int, float, complex)):
            argument = ("input", "other")[place]
            if place:
                raise TypeError(f"{name}(): argument 'other' (position 2) must be Tensor, not {type(value).__name__}")
            need_tensor(value, name, argument)
    return operands


def _unary(name, type_of):
    @operator(name, pointwise=True)
    def run(self):
        return elementwise((self,), type_of(self.dtype))

    @operator(f"{name}_", pointwise=True, writes=(0,))
    def run_in_place(self):
        return check_in_place(self, (self,), type_of(self.dtype))

    def plain(input, *, out=None):
        need_tensor(input, name)
        if name == "neg" and input.dtype is meta.bool_:
            raise RuntimeError(
                "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
                "use the `~` or `logical_not()` operator instead."
            )
        return run(input)

    def in_place(self):
        return run_in_place(self)

    FUNCTIONS[name] = METHODS[name] = named(plain, name)
    FUNCTIONS[f"{name}_"] = METHODS[f"{name}_"] = named(in_place, f"{name}_")


def _binary(name, type_of):
    @operator(name, pointwise=True)
    def run(self, other, alpha=1):
        return elementwise((self, other), type_of(self, other))

    @operator(f"{name}_", pointwise=True, writes=(0,))
    def run_in_place(self, other, alpha=1):
        return check_in_place(self, (self, other), type_of(self, other))

    def plain(input, other, *, alpha=1, rounding_mode=None, out=None):
        _checked(name, (input, other))
        _refuse_fractions(name, input, other)
        if not isinstance(input, Tensor):
            return run(_number(input), other)
        if rounding_mode is not None:
            if name != "div" or rounding_mode not in ("floor", "trunc"):
                raise RuntimeError(
                    "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
                    f"'{rounding_mode}'"
                )
            if rounding_mode == "floor" and not common_type((input, other)).is_floating_point:
                return FUNCTIONS["floor_divide"](input, other)
            if rounding_mode == "floor":
                return FUNCTIONS["floor"](run(input, other))
            return FUNCTIONS["trunc"](run(input, other)).to(common_type((input, other)))
        return run(input, other) if alpha == 1 else run(input, other, alpha)

    def in_place(self, other, *, alpha=1, rounding_mode=None):
        _checked(f"{name}_", (self, other))
        _refuse_fractions(name, self, other)
        if rounding_mode is not None:
            return self.copy_(plain(self, other, rounding_mode=rounding_mode))
        return run_in_place(self, other) if alpha == 1 else run_in_place(self, other, alpha)

    FUNCTIONS[name] = METHODS[name] = named(plain, name)
    METHODS[f"{name}_"] = named(in_place, f"{name}_")


_BITWISE = {
    "bitwise_and": "bitwise_and_cpu",
    "bitwise_or": "bitwise_or_cpu",
    "bitwise_xor": "bitwise_xor_cpu",
    "bitwise_left_shift": "lshift_cpu",
    "bitwise_right_shift": "rshift_cpu",
}


def _refuse_fractions(name, *operands):
    kind = common_type(operands) if name in _BITWISE else meta.bool_
    if kind.is_floating_point:
        raise NotImplementedError(f"\"{_BITWISE[name]}\" not implemented for '{meta.SCALAR_NAMES[kind]}'")


def _number(value):
    return made((), meta.type_of_scalar(value), values=[value])


for _name in _TO_FLOAT.split():
    _unary(_name, floating)
for _name in _SAME_TYPE.split():
    _unary(_name, lambda dtype: dtype)
for _name in _TO_BOOL.split():
    _unary(_name, lambda dtype: meta.bool_)
for _name in _BINARY.split():
    _binary(_name, lambda *operands: common_type(operands))
for _name in _BINARY_TO_FLOAT.split():
    _binary(_name, lambda *operands: floating(common_type(operands)))
for _name in _COMPARING.split():
    _binary(_name, lambda *operands: meta.bool_)

_unary("bitwise_not", lambda dtype: dtype)
_whole_round, _plain_logit = FUNCTIONS["round"], FUNCTIONS["logit"]


@both
def round(input, *, decimals=0, out=None):
    if not decimals:
        return _whole_round(input)
    factor = 10.0**decimals
    return FUNCTIONS["div"](_whole_round(FUNCTIONS["mul"](input, factor)), factor)


@both
def logit(input, eps=None, *, out=None):
    if eps is not None and not isinstance(eps, (int, float)):
        raise TypeError(f"logit(): argument 'eps' (position 2) must be float, not {type(eps).__name__}")
    return _plain_logit(input if eps is None else _clamp(input, eps, 1 - eps))


@operator("pow", pointwise=True)
def _power(self, exponent):
    return elementwise((self, exponent), common_type((self, exponent)))


@operator("pow_", pointwise=True, writes=(0,))
def _power_in_place(self, exponent):
    return check_in_place(self, (self, exponent), common_type((self, exponent)))


@both
def pow(input, exponent, *, out=None):
    if not isinstance(input, Tensor):
        need_tensor(exponent, "pow", "exponent", 2)
        input = _number(input)
    return _power(input, exponent)


@method
def pow_(self, exponent):
    return _power_in_place(self, exponent)


@both
def square(input, *, out=None):
    need_tensor(input, "square")
    return _power(input, 2)


@both
def rsub(input, other, *, alpha=1):
    return _rsub(input, other) if alpha == 1 else FUNCTIONS["sub"](other, FUNCTIONS["mul"](input, alpha))


@operator("rsub", pointwise=True)
def _rsub(self, other):
    return elementwise((self, other), common_type((self, other)))


def activation(name):
    """An activation with plain numbers as arguments; gives back the operator and the one in place."""

    @operator(name, pointwise=True)
    def run(self, *args):
        return elementwise((self,), self.dtype)

    @operator(f"{name}_", pointwise=True, writes=(0,))
    def run_in_place(self, *args):
        return self

    return run, run_in_place


clamp_min_op, clamp_min_in_place = activation("clamp_min")
_nan_to_num, _nan_to_num_in_place = activation("nan_to_num")
_LARGEST = {meta.float32: 3.4028234663852886e38, meta.float64: 1.7976931348623157e308, meta.float16: 65504.0}


def _replacements(tensor, nan, posinf, neginf):
    largest = _LARGEST.get(tensor.dtype, 3.3895313892515355e38)
    pairs = (nan, 0.0), (posinf, largest), (neginf, -largest)
    return [other if value is None else float(value) for value, other in pairs]


@both
def nan_to_num(input, nan=None, posinf=None, neginf=None, *, out=None):
    need_tensor(input, "nan_to_num")
    return _nan_to_num(input, *_replacements(input, nan, posinf, neginf))


@method
def nan_to_num_(self, nan=None, posinf=None, neginf=None):
    return _nan_to_num_in_place(self, *_replacements(self, nan, posinf, neginf))


@operator("clamp", pointwise=True)
def _clamp(self, min=None, max=None):
    operands = [value for value in (self, min, max) if value is not None]
    return elementwise(operands, common_type(operands))


@operator("clamp_", pointwise=True, writes=(0,))
def _clamp_in_place(self, min=None, max=None):
    return self


@both
def clamp(input, min=None, max=None, *, out=None):
    need_tensor(input, "clamp")
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    for name, bound in (("min", min), ("max", max)):
        if not isinstance(bound, (Tensor, int, float, type(None))):
            raise TypeError(f"clamp(): argument '{name}' must be Number, not {type(bound).__name__}")
    return _clamp(input, min, max)


@method
def clamp_(self, min=None, max=None):
    return _clamp_in_place(self, min, max)


@both
def clamp_min(input, min):
    return clamp_min_op(input, min)


@both
def clamp_max(input, max):
    return _clamp(input, None, max)


@method
def clamp_min_(self, min):
    return clamp_min_in_place(self, min)


@operator("where", pointwise=True)
def _where(condition, self, other):
    return elementwise((condition, self, other), common_type((self, other)))


@function
def where(condition, input=None, other=None, *, out=None):
    need_tensor(condition, "where", "condition")
    if input is None:
        from .indexing import nonzero

        return nonzero(condition, as_tuple=True)
    if condition.dtype not in (meta.bool_, meta.uint8):
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{meta.SCALAR_NAMES[condition.dtype]}"
        )
    return _where(condition, *(value if isinstance(value, Tensor) else _number(value) for value in (input, other)))


@operator("masked_fill", pointwise=True)
def _masked_fill(self, mask, value):
    return made(meta.broadcast([self._shape, mask._shape]), self.dtype)


@operator("masked_fill_", pointwise=True, writes=(0,))
def _masked_fill_in_place(self, mask, value):
    if meta.broadcast([self._shape, mask._shape]) != self._shape:
        meta.broadcast([mask._shape, self._shape])
        raise RuntimeError(
            f"output with shape {list(self._shape)} doesn't match the broadcast shape "
            f"{list(meta.broadcast([self._shape, mask._shape]))}"
        )
    return self


def _check_mask(mask, name):
    need_tensor(mask, name, "mask", 2)
    if mask.dtype is not meta.bool_:
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {meta.type_name(mask.dtype)}"
        )


def _check_single(value):
    if not isinstance(value, (Tensor, int, float, complex)):
        raise TypeError(
            f"masked_fill_() received an invalid combination of arguments - got (Tensor, {type(value).__name__}), but "
            "expected one of:\n * (Tensor mask, Tensor value)\n * (Tensor mask, Number value)\n"
        )
    if isinstance(value, Tensor) and value.dim():
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.dim()} dimension(s)."
        )


@both
def masked_fill(input, mask, value):
    _check_mask(mask, "masked_fill")
    _check_single(value)
    return _masked_fill(input, mask, value)


@method
def masked_fill_(self, mask, value):
    _check_mask(mask, "masked_fill_")
    _check_single(value)
    return _masked_fill_in_place(self, mask, value)


def _three(name, type_of=common_type):
    @operator(name, pointwise=True)
    def run(self, one, other, value=1):
        return elementwise((self, one, other), type_of((self, one, other)))

    @operator(f"{name}_", pointwise=True, writes=(0,))
    def run_in_place(self, one, other, value=1):
        return check_in_place(self, (self, one, other), type_of((self, one, other)))

    def plain(input, tensor1, tensor2, *, value=1, out=None):
        return run(input, tensor1, tensor2, value)

    def in_place(self, tensor1, tensor2, *, value=1):
        return run_in_place(self, tensor1, tensor2, value)

    FUNCTIONS[name] = METHODS[name] = named(plain, name)
    METHODS[f"{name}_"] = named(in_place, f"{name}_")


for _name in ("addcmul", "addcdiv", "lerp"):
    _three(_name)

@both
def float_power(input, exponent, *, out=None):
    as_double = [one.to(meta.float64) if isinstance(one, Tensor) else float(one) for one in (input, exponent)]
    return _power(_number(as_double[0]) if isinstance(as_double[0], float) else as_double[0], as_double[1])


@both
def ldexp(input, other, *, out=None):
    return FUNCTIONS["mul"](input, _power(_number(2.0), other))


@both
def heaviside(input, values, *, out=None):
    if input.dtype is not values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return _where(input == 0, values, (input > 0).to(input.dtype))


@method
def clamp_max_(self, max):
    return _clamp_in_place(self, None, max)


@method
def square_(self):
    return _power_in_place(self, 2)


for _alias, _name in _ALIASES.items():
    for _offered in (FUNCTIONS, METHODS):
        _offered[_alias] = _offered[_name]
        if f"{_name}_" in _offered:
            _offered[f"{_alias}_"] = _offered[f"{_name}_"]
for _name in ("clamp_", "clip_", "clamp_min_", "clamp_max_", "square_", "nan_to_num_"):
    FUNCTIONS[_name] = METHODS[_name]
METHODS["where"] = named(lambda self, condition, other: where(condition, self, other), "where")


@both
def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{meta.SCALAR_NAMES[input.dtype]} did not match {meta.SCALAR_NAMES[other.dtype]}")
    return _isclose(input, other, rtol, atol, equal_nan)


@operator("isclose", pointwise=True)
def _isclose(self, other, rtol, atol, equal_nan):
    return elementwise((self, other), meta.bool_)


# what Python's signs do


def _sign(name, method_name):
    def apply(self, other):
        if not isinstance(other, (Tensor, int, float, complex)):
            return NotImplemented
        return METHODS[method_name](self, other)

    setattr(Tensor, name, named(apply, name))


for _sign_name, _method_name in {
    "__add__": "add",
    "__radd__": "add",
    "__iadd__": "add_",
    "__sub__": "sub",
    "__isub__": "sub_",
    "__mul__": "mul",
    "__rmul__": "mul",
    "__imul__": "mul_",
    "__truediv__": "div",
    "__itruediv__": "div_",
    "__mod__": "remainder",
    "__floordiv__": "floor_divide",
    "__pow__": "pow",
    "__ipow__": "pow_",
    "__eq__": "eq",
    "__ne__": "ne",
    "__lt__": "lt",
    "__le__": "le",
    "__gt__": "gt",
    "__ge__": "ge",
    "__and__": "bitwise_and",
    "__or__": "bitwise_or",
    "__xor__": "bitwise_xor",
    "__iand__": "bitwise_and_",
    "__ior__": "bitwise_or_",
    "__rsub__": "rsub",
    "__lshift__": "bitwise_left_shift",
    "__rshift__": "bitwise_right_shift",
    "__rand__": "bitwise_and",
    "__ror__": "bitwise_or",
}.items():
    _sign(_sign_name, _method_name)


def _reflected(name, apply):
    """What a sign does where the tensor stands on its right."""

    def of_number(self, other):
        return apply(self, other) if isinstance(other, (int, float, complex)) else NotImplemented

    setattr(Tensor, name, named(of_number, name))


_reflected("__rtruediv__", lambda self, other: FUNCTIONS["mul"](FUNCTIONS["reciprocal"](self), other))
_reflected("__rmod__", lambda self, other: FUNCTIONS["remainder"](_number(other), self))
_reflected("__rfloordiv__", lambda self, other: FUNCTIONS["floor_divide"](other, self))
_reflected("__rpow__", lambda self, other: _power(_number(other), self))
Tensor.__neg__ = named(lambda self: FUNCTIONS["neg"](self), "__neg__")
Tensor.__pos__ = named(lambda self: self, "__pos__")
Tensor.__abs__ = named(lambda self: FUNCTIONS["abs"](self), "__abs__")


def _inverted(self):
    if self.dtype.is_floating_point or self.dtype.is_complex:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return FUNCTIONS["bitwise_not"](self)


Tensor.__invert__ = named(_inverted, "__invert__")

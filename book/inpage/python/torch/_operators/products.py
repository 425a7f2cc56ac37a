"""Matrix products, in PyTorch's own steps down to `mm`, `addmm` and `bmm`."""

import math
import string

from .. import _metadata as meta
from .._dispatch import operator
from .._public import FUNCTIONS, METHODS, both, function, named, returned
from .._tensor import Tensor, made, need_tensor
from . import views
from .pointwise import elementwise


def _check_mm(one, other):
    if one._shape[1] != other._shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({one._shape[0]}x{one._shape[1]} and "
            f"{other._shape[0]}x{other._shape[1]})"
        )


@operator("mm")
def mm_op(self, mat2):
    if self.dim() != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.dim() != 2:
        raise RuntimeError("mat2 must be a matrix")
    _check_mm(self, mat2)
    return made((self._shape[0], mat2._shape[1]), self.dtype)


@both
def mm(input, mat2, *, out=None):
    need_tensor(input, "mm")
    need_tensor(mat2, "mm", "mat2", 2)
    return mm_op(input, mat2)


@function
def spmm(input, mat2):
    return mm_op(input, mat2)


@operator("addmm")
def addmm_op(self, mat1, mat2, beta=1, alpha=1):
    if mat1.dim() != 2 or mat2.dim() != 2:
        raise RuntimeError(f"mat1 must be a matrix, got {mat1.dim()}-D tensor")
    _check_mm(mat1, mat2)
    shape = (mat1._shape[0], mat2._shape[1])
    views.expand_op.kernel(self, shape)
    return made(shape, mat1.dtype)


@both
def addmm(input, mat1, mat2, *, beta=1, alpha=1, out=None):
    return addmm_op(input, mat1, mat2, beta, alpha)


@operator("bmm")
def bmm_op(self, mat2):
    if self.dim() != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if mat2.dim() != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    if self._shape[0] != mat2._shape[0] or self._shape[2] != mat2._shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{self._shape[0]}, {self._shape[2]}] but "
            f"got: [{mat2._shape[0]}, {mat2._shape[1]}]."
        )
    return made((self._shape[0], self._shape[1], mat2._shape[2]), self.dtype)


@both
def bmm(input, mat2, *, out=None):
    need_tensor(input, "bmm")
    return bmm_op(input, mat2)


@operator("baddbmm")
def baddbmm_op(self, batch1, batch2, beta=1, alpha=1):
    result = bmm_op.kernel(batch1, batch2)
    views.expand_op.kernel(self, result._shape)
    return result


@both
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None):
    return baddbmm_op(input, batch1, batch2, beta, alpha)


@operator("mv")
def mv_op(self, vec):
    if self.dim() != 2 or vec.dim() != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {self.dim()}, {vec.dim()}")
    if self._shape[1] != vec._shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({self._shape[0]}), mat ({self._shape[0]}x{self._shape[1]}), vec "
            f"({vec._shape[0]})"
        )
    return made((self._shape[0],), self.dtype)


@both
def mv(input, vec, *, out=None):
    return mv_op(input, vec)


@operator("dot")
def dot_op(self, tensor):
    if self.dim() != 1 or tensor.dim() != 1:
        raise RuntimeError(f"1D tensors expected, but got {self.dim()}D and {tensor.dim()}D tensors")
    if self._shape != tensor._shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{self._shape[0]}] and src [{tensor._shape[0]}] to have the "
            f"same number of elements, but got {self._shape[0]} and {tensor._shape[0]} elements respectively"
        )
    return made((), self.dtype)


@both
def dot(input, tensor, *, out=None):
    return dot_op(input, tensor)


@both
def vdot(input, other, *, out=None):
    return dot_op(input, other)


@both
def addmv(input, mat, vec, *, beta=1, alpha=1, out=None):
    return _summed(input, mv_op(mat, vec), beta, alpha)


@both
def addr(input, vec1, vec2, *, beta=1, alpha=1, out=None):
    return _summed(input, outer(vec1, vec2), beta, alpha)


@both
def addbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None):
    return _summed(input, FUNCTIONS["sum"](bmm_op(batch1, batch2), 0), beta, alpha)


def _summed(tensor, product, beta, alpha):
    views.expand_op.kernel(tensor, product._shape)
    product = product if alpha == 1 else FUNCTIONS["mul"](product, alpha)
    if not beta:
        return product
    return FUNCTIONS["add"](tensor if beta == 1 else FUNCTIONS["mul"](tensor, beta), product)


@both
def inner(input, other):
    if not input.dim() or not other.dim():
        return FUNCTIONS["mul"](input, other)
    return FUNCTIONS["tensordot"](input, other, ([-1], [-1]))


@both
def outer(input, vec2, *, out=None):
    if input.dim() != 1 or vec2.dim() != 1:
        raise RuntimeError(f"outer: Expected 1-D argument self, but got {input.dim()}-D")
    return FUNCTIONS["mul"](views.view_op(input, (input._shape[0], 1)), vec2)


@both
def ger(input, vec2):
    return outer(input, vec2)


@both
def matmul(input, other, *, out=None):
    need_tensor(input, "matmul")
    need_tensor(other, "matmul", "other", 2)
    ranks = input.dim(), other.dim()
    if 0 in ranks:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {ranks[0]}D and {ranks[1]}D")
    if ranks == (1, 1):
        return dot_op(input, other)
    if ranks == (2, 1):
        return mv_op(input, other)
    if ranks == (1, 2):
        return views.squeeze_op(mm_op(views.unsqueeze_op(input, 0), other), 0)
    if ranks == (2, 2):
        return mm_op(input, other)
    if ranks[1] <= 2 and ranks[0] >= 3:
        return _folded(input, other)
    return _batched(input, other)


def _folded(input, other):
    """A stack of matrices by one matrix or vector: all rows at once."""
    rows = views.reshaped(input, (math.prod(input._shape[:-1]), input._shape[-1]))
    if other.dim() == 1:
        return views.reshaped(mv_op(rows, other), input._shape[:-1])
    return views.unsafe_view(mm_op(rows, other), (*input._shape[:-1], other._shape[1]))


def _batched(input, other):
    vectors = input.dim() == 1, other.dim() == 1
    one = views.unsqueeze_op(input, 0) if vectors[0] else input
    two = views.unsqueeze_op(other, -1) if vectors[1] else other
    batch = meta.broadcast([one._shape[:-2], two._shape[:-2]])
    count = math.prod(batch)
    left = views.reshaped(views.expand_op(one, (*batch, *one._shape[-2:])), (count, *one._shape[-2:]))
    right = views.reshaped(views.expand_op(two, (*batch, *two._shape[-2:])), (count, *two._shape[-2:]))
    shape = list(batch)
    shape += [] if vectors[0] else [one._shape[-2]]
    shape += [] if vectors[1] else [two._shape[-1]]
    return views.unsafe_view(bmm_op(left, right), shape)


Tensor.__matmul__ = named(
    lambda self, other: matmul(self, other) if isinstance(other, Tensor) else NotImplemented, "__matmul__"
)


@function
def chain_matmul(*matrices):
    result = matrices[0]
    for matrix in matrices[1:]:
        result = mm_op(result, matrix)
    return result


def linear(input, weight, bias=None):
    """`input @ weight.T + bias`, for any number of dimensions in front."""
    need_tensor(input, "linear")
    need_tensor(weight, "linear", "weight", 2)
    if input.dim() == 2 and bias is not None:
        return addmm_op(bias, input, views.t_op(weight))
    if bias is None or not input.dim():
        return matmul(input, views.t_op(weight) if weight.dim() == 2 else weight)
    rows = views.reshaped(input, (math.prod(input._shape[:-1]), input._shape[-1]))
    product = addmm_op(bias, rows, views.t_op(weight))
    return views.view_op(product, (*input._shape[:-1], weight._shape[0]))


@operator("_trilinear")
def _trilinear(one, weight, other):
    return made((one._shape[0], weight._shape[0]), one.dtype)


def bilinear(input1, input2, weight, bias=None):
    if input1._shape[:-1] != input2._shape[:-1]:
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match at dim 0: got {input1._shape[0]} and {input2._shape[0]}"
        )
    for place, given in enumerate((input1, input2), 1):
        if given._shape[-1] != weight._shape[place]:
            raise RuntimeError(
                f"bilinear(): input{place} size does not match weight size: got {given._shape[-1]} but expected "
                f"{weight._shape[place]}"
            )
    rows = [views.reshaped(given, (-1, given._shape[-1])) for given in (input1, input2)]
    product = views.reshaped(_trilinear(rows[0], weight, rows[1]), (*input1._shape[:-1], weight._shape[0]))
    return product if bias is None else FUNCTIONS["add"](product, bias)


@function
def tensordot(a, b, dims=2):
    if isinstance(dims, int):
        first, second = list(range(a.dim() - dims, a.dim())), list(range(dims))
    else:
        first, second = ([dim] if isinstance(dim, int) else list(dim) for dim in dims)
    first = [meta.whole_dim(dim, a.dim()) for dim in first]
    second = [meta.whole_dim(dim, b.dim()) for dim in second]
    for one, other in zip(first, second, strict=True):
        if a._shape[one] != b._shape[other]:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a._shape[one]} in dim {one} and second has "
                f"size {b._shape[other]} in dim {other}"
            )
    keep_a = [dim for dim in range(a.dim()) if dim not in first]
    keep_b = [dim for dim in range(b.dim()) if dim not in second]
    inside = math.prod(a._shape[dim] for dim in first)
    left = views.reshaped(views.permute_op(a, keep_a + first), (-1 if inside else 0, inside))
    right = views.reshaped(views.permute_op(b, second + keep_b), (inside, -1 if inside else 0))
    return views.reshaped(mm_op(left, right), [*(a._shape[d] for d in keep_a), *(b._shape[d] for d in keep_b)])


@function
def kron(input, other):
    need_tensor(other, "kron", "other", 2)
    count = max(input.dim(), other.dim())
    one, two = ((1,) * (count - its.dim()) + tuple(its._shape) for its in (input, other))
    outer = views.reshaped(input, [side for size in one for side in (size, 1)])
    inner = views.reshaped(other, [side for size in two for side in (1, size)])
    return views.reshaped(FUNCTIONS["mul"](outer, inner), [a * b for a, b in zip(one, two, strict=True)])


METHODS["kron"] = FUNCTIONS["kron"]


@function
def einsum(equation, *operands):
    """Einstein's sum, worked out two operands at a time with `bmm`."""
    operands = list(operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands)
    for place, operand in enumerate(operands):
        if not isinstance(operand, Tensor):
            raise TypeError(
                f"expected Tensor as element {place} in argument 1, but got {type(operand).__name__}"
            )
    given, arrow, wanted = equation.replace(" ", "").partition("->")
    terms = given.split(",")
    if len(terms) != len(operands):
        more = "more" if len(operands) > len(terms) else "fewer"
        raise RuntimeError(f"einsum(): {more} operands were provided than specified in the equation")
    widest = max(
        (
            tensor.dim() - len(term.replace("...", ""))
            for term, tensor in zip(terms, operands, strict=True)
            if "..." in term
        ),
        default=0,
    )
    dots = "".join(letter for letter in string.ascii_uppercase[::-1] if letter not in equation)[:widest]
    sizes = {}
    for place, (term, tensor) in enumerate(zip(terms, operands, strict=True)):
        missing = tensor.dim() - len(term.replace("...", ""))
        term = term.replace("...", dots[len(dots) - max(missing, 0) :])
        if len(term) != tensor.dim():
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(term)}) does not match the number of "
                f"dimensions ({tensor.dim()}) for operand {place} and no ellipsis was given"
            )
        for letter, size in zip(term, tensor._shape, strict=True):
            known = sizes.get(letter, 1)
            if known != 1 and size not in (1, known):
                raise RuntimeError(
                    f"einsum(): subscript {letter} has size {size} for operand {place} which does not broadcast with "
                    f"previously seen size {known}"
                )
            sizes[letter] = max(size, known) if known != 1 or size != 1 else size
        terms[place] = term
    if arrow:
        wanted = wanted.replace("...", dots)
    else:
        letters = "".join(terms)
        wanted = dots + "".join(sorted(x for x in set(letters) if letters.count(x) == 1 and x not in dots))
    for letter in wanted:
        if letter not in sizes:
            raise RuntimeError(
                f"einsum(): output subscript {letter} does not appear in the equation for any input operand"
            )
        if wanted.count(letter) > 1:
            raise RuntimeError(f"einsum(): output subscript {letter} appears more than once in the output")
    tensor, term = operands[0], terms[0]
    for place in range(1, len(operands)):
        later = set("".join(terms[place + 1 :])) | set(wanted)
        tensor, term = _contracted(tensor, term, operands[place], terms[place], later)
    return _arranged(tensor, term, wanted)


def _contracted(a, term_a, b, term_b, later):
    """Two operands of an Einstein sum become one."""
    both_have = [x for x in term_a if x in term_b]
    batch, inside = [x for x in both_have if x in later], [x for x in both_have if x not in later]
    only_a, only_b = [x for x in term_a if x not in term_b], [x for x in term_b if x not in term_a]
    left = _grouped(a, term_a, (batch, only_a, inside))
    right = _grouped(b, term_b, (batch, inside, only_b))
    groups = [max(left._shape[0], right._shape[0]), max(left._shape[2], right._shape[1])]
    left = views.expand_op(left, (groups[0], left._shape[1], groups[1])) if left._shape[::2] != tuple(groups) else left
    right = views.expand_op(right, (*groups, right._shape[2])) if right._shape[:2] != tuple(groups) else right
    product = bmm_op(left, right)
    sizes = {
        letter: size
        for term, tensor in ((term_a, a), (term_b, b))
        for letter, size in zip(term, tensor._shape, strict=True)
    }
    for letter in batch:
        sizes[letter] = max(a._shape[term_a.index(letter)], b._shape[term_b.index(letter)])
    letters = [*batch, *only_a, *only_b]
    return views.view_op(product, [sizes[letter] for letter in letters]), "".join(letters)


def _grouped(tensor, term, groups):
    order = [term.index(letter) for group in groups for letter in group]
    shape = [math.prod(tensor._shape[term.index(letter)] for letter in group) for group in groups]
    return views.reshaped(views.permute_op(tensor, order), shape)


def _arranged(tensor, term, wanted):
    while len(set(term)) < len(term):
        letter = next(x for x in term if term.count(x) > 1)
        one, other = term.index(letter), term.rindex(letter)
        tensor = FUNCTIONS["diagonal"](tensor, 0, one, other)
        term = term[:one] + term[one + 1 : other] + term[other + 1 :] + letter
    gone = [place for place, letter in enumerate(term) if letter not in wanted]
    if gone:
        tensor = FUNCTIONS["sum"](tensor, gone)
        term = "".join(letter for letter in term if letter in wanted)
    return views.permute_op(tensor, [term.index(letter) for letter in wanted])


@operator("_cdist_forward")
def _cdist(x1, x2, p=2.0):
    return made((*meta.broadcast([x1._shape[:-2], x2._shape[:-2]]), x1._shape[-2], x2._shape[-2]), x1.dtype)


@function
def cdist(x1, x2, p=2.0, compute_mode=None):
    for name, given in (("X1", x1), ("X2", x2)):
        if given.dim() < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {given.dim()}D")
    if x1._shape[-1] != x2._shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1._shape[-1]} X2: {x2._shape[-1]}")
    return _cdist(x1, x2, p)


@operator("linalg_cross", pointwise=True)
def _cross(self, other, dim=-1):
    return elementwise((self, other), self.dtype)


@both
def cross(input, other, dim=None):
    if dim is None:
        threes = [place for place, size in enumerate(input._shape) if size == 3]
        if not threes:
            raise RuntimeError("no dimension of size 3 in input")
        dim = threes[0]
    shape = meta.broadcast([input._shape, other._shape])
    if shape[meta.whole_dim(dim, len(shape))] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.size(dim)} and {other.size(dim)}"
        )
    return _cross(input, other, dim)


@both
def matrix_power(input, n, *, out=None):
    _check_square(input, "linalg.matrix_power")
    if n < 0:
        input, n = inverse(input), -n
    power = None
    for _ in range(n):
        power = input if power is None else matmul(power, input)
    if power is None:
        unit = FUNCTIONS["eye"](input._shape[-1], dtype=input.dtype)
        return views.clone_op(views.expand_op(unit, input._shape))
    return power


def _check_square(tensor, name):
    if tensor.dim() < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if tensor._shape[-1] != tensor._shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {tensor._shape[-2]} by {tensor._shape[-1]} "
            "matrices"
        )
    if not tensor.dtype.is_floating_point:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {_scalar_name(tensor)}")


def _scalar_name(tensor):
    return meta.SCALAR_NAMES[tensor.dtype]


@operator("linalg_inv_ex")
def _inverse(A):
    _check_square(A, "linalg.inv")
    return _by_columns(A._shape, A.dtype)


def _by_columns(shape, dtype):
    """As LAPACK lays its matrices out."""
    rows, steps = shape[-2], meta.contiguous_strides(shape)
    return made(shape, dtype, (*steps[:-2], 1, max(rows, 1)))


@both
def inverse(input, *, out=None):
    return _inverse(input)


@operator("_linalg_det")
def _det(A):
    _check_square(A, "linalg.det")
    return made(A._shape[:-2], A.dtype)


@both
def det(input):
    return _det(input)


@operator("_linalg_slogdet")
def _slogdet(A):
    _check_square(A, "linalg.slogdet")
    return made(A._shape[:-2], A.dtype), made(A._shape[:-2], A.dtype)


Slogdet = returned("linalg_slogdet", "sign", "logabsdet")


@both
def slogdet(input):
    return Slogdet(*_slogdet(input))


@both
def logdet(input):
    sign, logarithm = _slogdet(input)
    return FUNCTIONS["where"](sign < 0, float("nan"), logarithm)


@operator("linalg_solve_ex")
def _solve(A, B):
    _check_square(A, "linalg.solve")
    if A._shape[-1] != B._shape[-2]:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation AX = B ({A._shape[-2]}x{A._shape[-1]} and "
            f"{B._shape[-2]}x{B._shape[-1]})"
        )
    return _by_columns((*meta.broadcast([A._shape[:-2], B._shape[:-2]]), *B._shape[-2:]), A.dtype)


def solve(A, B, left=True):
    if not left:
        return solve(A.mT, B.mT).mT
    if B.dim() == 1 or (A.dim() - 1 == B.dim() and A._shape[:-1] == B._shape):
        return _solve(A, B.unsqueeze(-1)).squeeze(-1)
    return _solve(A, B)


@operator("linalg_cholesky_ex")
def _cholesky(A):
    _check_square(A, "linalg.cholesky")
    return _by_columns(A._shape, A.dtype)


@both
def cholesky(input, upper=False):
    lower = _cholesky(input)
    return lower.mT if upper else lower


@operator("linalg_qr")
def _qr(A):
    if A.dim() < 2:
        raise RuntimeError("linalg.qr: The input tensor A must have at least 2 dimensions.")
    kept = min(A._shape[-2:])
    return _by_columns((*A._shape[:-1], kept), A.dtype), _by_columns((*A._shape[:-2], kept, A._shape[-1]), A.dtype)


QR = returned("linalg_qr", "Q", "R")


@both
def qr(input, some=True):
    return QR(*_qr(input))


@operator("_linalg_svd")
def _svd(A):
    if A.dim() < 2:
        raise RuntimeError("linalg.svd: The input tensor A must have at least 2 dimensions.")
    front, (tall, wide), kept = A._shape[:-2], A._shape[-2:], min(A._shape[-2:])
    return made((*front, tall, kept), A.dtype), made((*front, kept), A.dtype), made((*front, kept, wide), A.dtype)


SVD, OldSVD = returned("linalg_svd", "U", "S", "Vh"), returned("svd", "U", "S", "V")


def taken_apart(A):
    return SVD(*_svd(A))


@both
def svd(input, some=True, compute_uv=True):
    left, sizes, right = _svd(input)
    return OldSVD(left, sizes, right.mT)


@operator("_linalg_eigh")
def _eigh(A):
    _check_square(A, "linalg.eigh")
    return made(A._shape[:-1], A.dtype), made(A._shape, A.dtype)


Eigh = returned("linalg_eigh", "eigenvalues", "eigenvectors")


def eigh(A):
    return Eigh(*_eigh(A))


@both
def pinverse(input, rcond=1e-15):
    left, sizes, right = _svd(input)
    least = sizes.amax(-1, True) * max(rcond, 0)
    inverted = FUNCTIONS["where"](sizes > least, sizes.reciprocal(), 0.0)
    return matmul(right.mT * inverted.unsqueeze(-2), left.mT)

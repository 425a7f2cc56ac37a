"""`torch.linalg`, as far as networks use it."""

from ._composed.linear_algebra import LinAlgError
from ._lacking import lacking as _lacking
from ._lacking import lacking_names as _lacking_names
from ._operators import products as _products
from ._operators import reductions as _reductions
from ._public import FUNCTIONS as _FUNCTIONS


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None):
    return _reductions.vector_norm_op(x, ord, dim, keepdim, dtype)


def norm(A, ord=None, dim=None, keepdim=False, *, out=None, dtype=None):
    if isinstance(ord, str) or (ord is not None and (A.dim() if dim is None else _count(dim)) == 2):
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    return _reductions.vector_norm_op(A, 2 if ord is None else ord, dim, keepdim, dtype)


def _count(dim):
    return len(dim) if isinstance(dim, (tuple, list)) else 1


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None, out=None):
    A = A if dtype is None else A.to(dtype)
    if A.dim() < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if ord == "fro":
        return _reductions.vector_norm_op(A, 2, dim, keepdim)
    rows, columns = (one % A.dim() for one in dim)
    if ord in ("nuc", 2, -2):
        sizes = svdvals(A.movedim((rows, columns), (-2, -1)))
        found = sizes.sum(-1) if ord == "nuc" else sizes.amax(-1) if ord == 2 else sizes.amin(-1)
    elif not isinstance(ord, str) and abs(ord) in (1, float("inf")):
        summed, left = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = A.abs().sum(summed)
        left -= summed < left
        found = sums.amax(left) if ord > 0 else sums.amin(left)
    else:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    return found.unsqueeze(min(rows, columns)).unsqueeze(max(rows, columns)) if keepdim else found


def matmul(input, other, *, out=None):
    return _products.matmul(input, other)


def inv(A, *, out=None):
    return _products.inverse(A)


def cross(input, other, *, dim=-1, out=None):
    if input.dim() != other.dim():
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    return _products.cross(input, other, dim)


def solve(A, B, *, left=True, out=None):
    return _products.solve(A, B, left)


def qr(A, mode="reduced", *, out=None):
    if mode != "reduced":
        raise _lacking(f"torch.linalg.qr with mode={mode!r}")
    return _products.qr(A)


def svd(A, full_matrices=True, *, driver=None, out=None):
    if full_matrices and A.dim() > 1 and A.shape[-1] != A.shape[-2]:
        raise _lacking("torch.linalg.svd with full_matrices=True, of a matrix that is not square,")
    return _products.taken_apart(A)


def svdvals(A, *, driver=None, out=None):
    return _products.taken_apart(A).S


def eigh(A, UPLO="L", *, out=None):
    return _products.eigh(A if UPLO == "L" else A.mT)


def eigvalsh(A, UPLO="L", *, out=None):
    return eigh(A, UPLO).eigenvalues


def pinv(A, *, atol=None, rtol=None, hermitian=False, out=None):
    if atol is not None or hermitian:
        raise _lacking("torch.linalg.pinv with atol or hermitian")
    return _products.pinverse(A, _share(A, rtol))


def _share(A, rtol):
    from . import finfo

    return finfo(A.dtype).eps * max(A.shape[-2:]) if rtol is None else rtol


def matrix_rank(A, *, atol=None, rtol=None, hermitian=False, out=None):
    sizes = svdvals(A)
    least = sizes.amax(-1, True) * _share(A, 0.0 if atol is not None and rtol is None else rtol)
    return (sizes > (least if atol is None else least.clamp_min(atol))).sum(-1)


def cond(A, p=None, *, out=None):
    if p is None or p in (2, -2):
        sizes = svdvals(A)
        return sizes.amax(-1) / sizes.amin(-1) if p != -2 else sizes.amin(-1) / sizes.amax(-1)
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


def lstsq(A, B, rcond=None, *, driver=None):
    return _Solution(_products.matmul(pinv(A), B))


class _Solution:
    """What the smallest squares give; residuals and the like are not computed here."""

    def __init__(self, solution):
        self.solution = solution

    def __getattr__(self, name):
        raise _lacking(f"torch.linalg.lstsq(…).{name}")

    def __iter__(self):
        return iter([self.solution])


def multi_dot(tensors, *, out=None):
    return _FUNCTIONS["chain_matmul"](*tensors)


def vecdot(x, y, *, dim=-1, out=None):
    return (x * y).sum(dim)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    return A.diagonal(offset, dim1, dim2)


det, slogdet, cholesky, matrix_power = (
    _FUNCTIONS[name] for name in ("det", "slogdet", "cholesky", "matrix_power")
)

__getattr__ = _lacking_names("torch.linalg")
__all__ = ["LinAlgError"]

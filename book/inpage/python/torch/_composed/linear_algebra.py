"""Matrices one after the other, by Python's own numbers: small ones."""

import math

from .. import _numbers
from .._computed import kind
from .._numbers import computes
from .._public import FUNCTIONS
from .._tape import derivative
from .steps import composed


def matrices(tensor):
    """As nested lists, and the shape in front of them."""
    front = tuple(tensor._shape[:-2])
    return tensor.reshape(-1, *tensor._shape[-2:]).tolist() if math.prod(tensor._shape) else [], front


def filled(target, rows):
    flat = [value for row in rows for value in (row if isinstance(row, list) else [row])]
    return _numbers.engine.of(kind(target.dtype), flat)


class LinAlgError(RuntimeError):
    """A matrix that cannot be taken apart so."""


def _eliminated(matrix, others):
    """(determinant, the others divided by the matrix, or None where it has no inverse), as Gauss and Jordan do."""
    size, rows = len(matrix), [[*row, *other] for row, other in zip(matrix, others, strict=True)]
    product = 1.0
    for at in range(size):
        best = max(range(at, size), key=lambda row: abs(rows[row][at]))
        if not rows[best][at]:
            return 0.0, None
        if best != at:
            rows[at], rows[best], product = rows[best], rows[at], -product
        pivot = rows[at][at]
        product *= pivot
        rows[at] = [value / pivot for value in rows[at]]
        for row in range(size):
            factor = rows[row][at]
            if row != at and factor:
                rows[row] = [one - factor * two for one, two in zip(rows[row], rows[at], strict=True)]
    return product, [row[size:] for row in rows]


def _unit(size):
    return [[float(row == column) for column in range(size)] for row in range(size)]


def _no_inverse(name, batched, at):
    where = f"(Batch element {at}): " if batched else ""
    raise LinAlgError(
        f"{name}: {where}The diagonal element 1 is zero, the inversion could not be completed because the input matrix "
        "is singular."
        if name == "linalg.inv"
        else f"{name}: {where}The solver failed because the input matrix is singular."
    )


@computes("linalg_inv_ex")
def _inverse(target, A):
    given, front = matrices(A)
    found = []
    for at, matrix in enumerate(given):
        _, inverse = _eliminated(matrix, _unit(len(matrix)))
        if inverse is None:
            _no_inverse("linalg.inv", bool(front), at)
        found += inverse
    return filled(target, found)


@derivative("linalg_inv_ex")
def _inverse_slope(keep, A):
    result = keep.result()
    return (lambda grad: -result().mT @ grad @ result().mT,)


@computes("_linalg_det")
def _determinant(target, A):
    return filled(target, [_eliminated(matrix, [[] for _ in matrix])[0] for matrix in matrices(A)[0]])


@derivative("_linalg_det")
def _determinant_slope(keep, A):
    its, result = keep(A), keep.result()
    return (lambda grad: (grad * result())[..., None, None] * FUNCTIONS["inverse"](its()).mT,)


@composed("_linalg_slogdet")
def _sign_and_logarithm(A):
    found = FUNCTIONS["det"](A)
    return found.sign(), found.abs().log()


@composed("linalg_solve_ex")
def _solved(A, B):
    return FUNCTIONS["inverse"](A) @ B


@computes("linalg_cholesky_ex")
def _cholesky(target, A):
    found = []
    for matrix in matrices(A)[0]:
        size = len(matrix)
        lower = [[0.0] * size for _ in range(size)]
        for row in range(size):
            for column in range(row + 1):
                rest = matrix[row][column] - sum(lower[row][k] * lower[column][k] for k in range(column))
                if row != column:
                    lower[row][column] = rest / lower[column][column]
                elif rest <= 0:
                    raise LinAlgError(
                        "linalg.cholesky: The factorization could not be completed because the input is not "
                        f"positive-definite (the leading minor of order {row + 1} is not positive-definite)."
                    )
                else:
                    lower[row][row] = math.sqrt(rest)
        found += lower
    return filled(target, found)


@derivative("linalg_cholesky_ex")
def _cholesky_slope(keep, A):
    result = keep.result()

    def formula(grad):
        lower = result()
        inner = (lower.mT @ grad).tril()
        inner = inner - FUNCTIONS["diag_embed"](inner.diagonal(0, -2, -1)) / 2
        back = FUNCTIONS["inverse"](lower)
        found = back.mT @ inner @ back
        return (found + found.mT) / 2

    return (formula,)


@computes("linalg_qr")
def _qr(target, A):
    """Householder's reflections, with the signs that LAPACK gives them."""
    q_all, r_all = [], []
    for matrix in matrices(A)[0]:
        tall, wide = len(matrix), len(matrix[0])
        kept, rest, turned = min(tall, wide), [row[:] for row in matrix], _unit(tall)
        for at in range(min(tall - 1, wide)):
            below = [rest[row][at] for row in range(at, tall)]
            length = math.hypot(*below)
            if length == abs(below[0]):
                continue
            below[0] += math.copysign(length, below[0])
            square = sum(value * value for value in below)
            for one, columns in ((rest, wide), (turned, tall)):
                for column in range(columns):
                    share = 2 * sum(v * one[at + n][column] for n, v in enumerate(below)) / square
                    for n, v in enumerate(below):
                        one[at + n][column] -= share * v
        q_all += [[turned[column][row] for column in range(kept)] for row in range(tall)]
        r_all += [[rest[row][column] if column >= row else 0.0 for column in range(wide)] for row in range(kept)]
    return filled(target, q_all), filled(target, r_all)


def symmetric(matrix):
    """(values from the smallest, vectors as columns) of a symmetric matrix: Jacobi's rotations."""
    size = len(matrix)
    rest, vectors = [row[:] for row in matrix], _unit(size)
    for _ in range(60):
        off = sum(rest[a][b] ** 2 for a in range(size) for b in range(size) if a != b)
        if off < 1e-30 * max(1e-300, sum(value * value for row in rest for value in row)):
            break
        for one in range(size):
            for other in range(one + 1, size):
                _rotate(rest, vectors, one, other)
    order = sorted(range(size), key=lambda at: rest[at][at])
    return [rest[at][at] for at in order], [[row[at] for at in order] for row in vectors]


def _rotate(rest, vectors, one, other):
    if not rest[one][other]:
        return
    size, ratio = len(rest), (rest[other][other] - rest[one][one]) / (2 * rest[one][other])
    slope = math.copysign(1, ratio) / (abs(ratio) + math.hypot(ratio, 1))
    cosine = 1 / math.hypot(slope, 1)
    sine = slope * cosine
    for row in range(size):
        a, b = rest[row][one], rest[row][other]
        rest[row][one], rest[row][other] = cosine * a - sine * b, sine * a + cosine * b
    for column in range(size):
        a, b = rest[one][column], rest[other][column]
        rest[one][column], rest[other][column] = cosine * a - sine * b, sine * a + cosine * b
    for row in range(size):
        a, b = vectors[row][one], vectors[row][other]
        vectors[row][one], vectors[row][other] = cosine * a - sine * b, sine * a + cosine * b


@computes("_linalg_eigh")
def _eigh(target, A):
    values, vectors = [], []
    for matrix in matrices(A)[0]:
        lower = [[matrix[max(a, b)][min(a, b)] for b in range(len(matrix))] for a in range(len(matrix))]
        its, columns = symmetric(lower)
        values.append(its)
        vectors += columns
    return filled(target, values), filled(target, vectors)


@derivative("_linalg_eigh")
def _eigh_slope(keep, A):
    """Of the values alone."""
    from .._lacking import lacking

    vectors = keep.result(1)

    def formula(by_values, by_vectors):
        if by_vectors is not None:
            raise lacking("the gradient of torch.linalg.eigh's vectors")
        return vectors() * by_values.unsqueeze(-2) @ vectors().mT

    return (formula,)


@computes("_linalg_svd")
def _svd(target, A):
    """From the values and vectors of the smaller of A·Aᵀ and Aᵀ·A."""
    u_all, s_all, v_all = [], [], []
    for matrix in matrices(A)[0]:
        left, sizes, right = _taken_apart(matrix)
        u_all += left
        s_all.append(sizes)
        v_all += right
    return filled(target, u_all), filled(target, s_all), filled(target, v_all)


def _taken_apart(matrix):
    tall, wide = len(matrix), len(matrix[0])
    if tall < wide:
        left, sizes, right = _taken_apart([list(column) for column in zip(*matrix, strict=True)])
        return [list(row) for row in zip(*right, strict=True)], sizes, [list(row) for row in zip(*left, strict=True)]
    products = [[sum(row[a] * row[b] for row in matrix) for b in range(wide)] for a in range(wide)]
    _, vectors = symmetric(products)
    order = range(wide - 1, -1, -1)
    right = [[row[at] for row in vectors] for at in order]
    images = [[sum(one * two for one, two in zip(row, vector, strict=True)) for row in matrix] for vector in right]
    sizes = [math.hypot(*image) for image in images]
    left = [_filled_up(images, sizes, at, tall) for at in range(wide)]
    return [list(row) for row in zip(*left, strict=True)], sizes, right


def _filled_up(images, sizes, at, tall):
    """A unit vector along an image, or, where that is none, at right angles to all others."""
    if sizes[at] > 1e-12 * max(sizes):
        images[at] = [value / sizes[at] for value in images[at]]
        return images[at]
    for axis in range(tall):
        vector = [float(place == axis) for place in range(tall)]
        for other in images[:at]:
            share = sum(one * two for one, two in zip(vector, other, strict=True))
            vector = [one - share * two for one, two in zip(vector, other, strict=True)]
        length = math.hypot(*vector)
        if length > 0.1:
            break
    images[at] = [value / length for value in vector]
    return images[at]


@derivative("_linalg_svd")
def _svd_slope(keep, A):
    """Of the sizes alone."""
    from .._lacking import lacking

    left, right = keep.result(0), keep.result(2)

    def formula(by_left, by_sizes, by_right):
        if by_left is not None or by_right is not None:
            raise lacking("the gradient of torch.linalg.svd's vectors")
        return left() @ (by_sizes.unsqueeze(-1) * right())

    return (formula,)

"""Two sequences side by side: what is equal in both, and what is most alike of the rest."""

from difflib import SequenceMatcher
from functools import lru_cache


def aligned(a, b, key, likeness):
    """Pairs (item of a, item of b) in order, with None where the other has nothing.

    Args:
        key: item → what is compared; equal keys make a pair.
        likeness: two items → how well they go together, 0 if they do not; asked where keys differ.
    """
    matcher = SequenceMatcher(None, [key(item) for item in a], [key(item) for item in b], autojunk=False)
    pairs = []
    for tag, a_start, a_end, b_start, b_end in matcher.get_opcodes():
        one, other = a[a_start:a_end], b[b_start:b_end]
        pairs += zip(one, other, strict=True) if tag == "equal" else _most_alike(one, other, likeness)
    return pairs


def moved(pairs, key):
    """Of those that stand alone in `pairs`, the (a, b) with equal keys: the same thing at another place."""
    waiting = {}
    for _, b in (pair for pair in pairs if pair[0] is None):
        waiting.setdefault(key(b), []).append(b)
    return [(a, waiting[key(a)].pop(0)) for a, b in pairs if b is None and waiting.get(key(a))]


def _most_alike(a, b, likeness):
    """The pairing, in order, whose likenesses add up to the most."""
    alike = [[likeness(one, other) for other in b] for one in a]
    best = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], alike[i][j] + best[i + 1][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        if alike[i][j] and best[i][j] == alike[i][j] + best[i + 1][j + 1]:
            pairs.append((a[i], b[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            pairs.append((a[i], None))
            i += 1
        else:
            pairs.append((None, b[j]))
            j += 1
    return [*pairs, *((one, None) for one in a[i:]), *((None, other) for other in b[j:])]


@lru_cache(maxsize=4096)  # a loop's lines come again and again
def text_likeness(one, other):
    """From 0, nothing in common, to 1, equal."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()

"""Sequences of different lengths."""

from ..._lacking import lacking_names
from ..._metadata import int64 as _LONG
from ..._public import FUNCTIONS as _FUNCTIONS
from ..._tensor import Tensor, made


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    if isinstance(sequences, Tensor):
        sequences = sequences.unbind(0)
    longest = max(sequence.shape[0] for sequence in sequences)
    padded = _FUNCTIONS["stack"]([_lengthened(one, longest, padding_value, padding_side) for one in sequences])
    return padded if batch_first else padded.transpose(0, 1).contiguous()


def _lengthened(sequence, longest, value, side):
    missing = longest - sequence.shape[0]
    if not missing:
        return sequence
    border = sequence.new_full((missing, *sequence.shape[1:]), value)
    return _FUNCTIONS["cat"]([sequence, border] if side == "right" else [border, sequence])


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:length] for row, length in zip(rows.unbind(0), _known(lengths, rows.shape[1]), strict=True)]


class PackedSequence:
    """Sequences without their padding; where the lengths are not known, as if all were as long as the longest.

    data: (steps of all sequences, …), the first steps of all, the longest sequence's first, then the second ones.
    lengths: of each sequence, as `data` has them. order: of which sequence that was given each is.
    """

    def __init__(self, data, lengths, order):
        self.data, self._lengths, self._order = data, lengths, order
        sizes = [sum(length > step for length in lengths) for step in range(max(lengths))]
        self.batch_sizes = made((len(sizes),), _LONG, values=sizes)
        self._starts = [sum(sizes[:step]) for step in range(len(sizes))]
        self.sorted_indices = self.unsorted_indices = None
        if order != list(range(len(order))):
            self.sorted_indices = made((len(order),), _LONG, values=order)
            back = [order.index(at) for at in range(len(order))]
            self.unsorted_indices = made((len(order),), _LONG, values=back)

    def __iter__(self):
        return iter((self.data, self.batch_sizes, self.sorted_indices, self.unsorted_indices))

    def __getitem__(self, place):
        return tuple(self)[place]

    def _with(self, data):
        return PackedSequence(data, self._lengths, self._order)

    def _sequence(self, at):
        """One of them, of its own length, as `data` has them."""
        places = [start + at for start in self._starts[: self._lengths[at]]]
        return self.data.index_select(0, _FUNCTIONS["tensor"](places, dtype=_LONG))

    def _with_sequences(self, sequences):
        return self._with(_packed(sequences, self._lengths))


def _packed(sequences, lengths):
    """The steps of sequences, the longest first, in the order of a packed one."""
    starts = [sum(lengths[:at]) for at in range(len(lengths))]
    places = [
        start + step
        for step in range(max(lengths))
        for start, length in zip(starts, lengths, strict=True)
        if step < length
    ]
    joined = _FUNCTIONS["cat"](list(sequences))
    return joined.index_select(0, _FUNCTIONS["tensor"](places, dtype=_LONG))


def _known(lengths, longest):
    if isinstance(lengths, Tensor):
        return lengths.tolist() if lengths._storage.values is not None else [longest] * lengths.numel()
    return [int(length) for length in lengths]


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    batch, longest = (input.shape[0], input.shape[1]) if batch_first else (input.shape[1], input.shape[0])
    known = _known(lengths, longest)
    if len(known) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(known)} (batch_size={batch})"
        )
    if min(known) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    order = sorted(range(batch), key=lambda at: -known[at])
    if enforce_sorted and order != list(range(batch)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    rows = (input if batch_first else input.transpose(0, 1)).unbind(0)
    lengths = [known[at] for at in order]
    return PackedSequence(_packed([rows[at][: known[at]] for at in order], lengths), lengths, order)


def pack_sequence(sequences, enforce_sorted=True):
    lengths = [sequence.shape[0] for sequence in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, False, enforce_sorted)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    lengths, order = sequence._lengths, sequence._order
    if total_length is not None and total_length < max(lengths):
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {max(lengths)}"
        )
    length, back = total_length or max(lengths), [order.index(at) for at in range(len(order))]
    rows = [_lengthened(sequence._sequence(at), length, padding_value, "right") for at in back]
    known = made((len(back),), _LONG, values=[lengths[at] for at in back])
    return _FUNCTIONS["stack"](rows, 0 if batch_first else 1), known


__getattr__ = lacking_names("torch.nn.utils.rnn")

"""Sequences of different lengths."""

from ..._lacking import lacking_names
from ..._metadata import int64 as _LONG
from ..._tensor import Tensor, made


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    longest = max(sequence.shape[0] for sequence in sequences)
    front = (len(sequences), longest) if batch_first else (longest, len(sequences))
    return made((*front, *sequences[0].shape[1:]), sequences[0].dtype)


class PackedSequence:
    """Sequences without their padding; where the lengths are not known, as if all were as long as the longest.

    data: (steps of all sequences, …); lengths: of each sequence.
    """

    def __init__(self, data, lengths, longest):
        self.data, self._lengths, self._longest = data, lengths, longest
        self.batch_sizes = made((longest,), _LONG)
        self.sorted_indices = self.unsorted_indices = None

    def _with(self, data):
        return PackedSequence(data, self._lengths, self._longest)

    @property
    def _batch(self):
        return len(self._lengths)


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    batch, longest = (input.shape[0], input.shape[1]) if batch_first else (input.shape[1], input.shape[0])
    if isinstance(lengths, Tensor):
        known = lengths.tolist() if lengths._storage.values is not None else [longest] * lengths.numel()
    else:
        known = list(lengths)
    if len(known) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(known)} (batch_size={batch})"
        )
    return PackedSequence(made((sum(known), *input.shape[2:]), input.dtype), known, longest)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    length = total_length or max(sequence._lengths)
    front = (sequence._batch, length) if batch_first else (length, sequence._batch)
    lengths = made((sequence._batch,), _LONG, values=list(sequence._lengths))
    return made((*front, *sequence.data.shape[1:]), sequence.data.dtype), lengths


__getattr__ = lacking_names("torch.nn.utils.rnn")

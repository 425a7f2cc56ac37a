"""Sequences of different lengths."""

from ..._lacking import lacking_names
from ..._tensor import made


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    longest = max(sequence.shape[0] for sequence in sequences)
    front = (len(sequences), longest) if batch_first else (longest, len(sequences))
    return made((*front, *sequences[0].shape[1:]), sequences[0].dtype)


__getattr__ = lacking_names("torch.nn.utils.rnn")

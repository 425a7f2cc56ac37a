"""Recurrent layers: each runs as one operator (its steps: `_composed/recurrent`)."""

import math

from ... import _autocast
from ..._dispatch import operator
from ..._public import FUNCTIONS
from ..._tensor import Tensor, made
from .. import functional as F
from .. import init
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .linear import empty
from .module import Module

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]


def _recurrent(name):
    """layout: layers, directions, has_bias, steps_first, dropout."""

    @operator(name)
    def run(input, states, weights, output_shape, *layout):
        return (made(output_shape, input.dtype), *(made(state._shape, state.dtype) for state in states))

    return run


_OPERATORS = {
    mode: _recurrent(name)
    for mode, name in (("LSTM", "lstm"), ("GRU", "gru"), ("RNN_TANH", "rnn_tanh"), ("RNN_RELU", "rnn_relu"))
}
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    def __init__(
        self,
        mode,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        proj_size=0,
        device=None,
        dtype=None,
    ):
        super().__init__()
        if proj_size and mode != "LSTM":
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if not isinstance(hidden_size, int):
            raise TypeError(f"hidden_size should be of type int, got: {type(hidden_size).__name__}")
        if hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        directions = 2 if bidirectional else 1
        out = proj_size or hidden_size
        self._flat_weights_names = []
        for layer in range(num_layers):
            for direction in range(directions):
                suffix = f"_l{layer}{'_reverse' if direction else ''}"
                width = input_size if layer == 0 else out * directions
                gates = _GATES[mode] * hidden_size
                shapes = {"weight_ih": (gates, width), "weight_hh": (gates, out)}
                if bias:
                    shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    setattr(self, name + suffix, Parameter(empty(*shape, dtype=dtype)))
                    self._flat_weights_names.append(name + suffix)
        self.reset_parameters()

    def reset_parameters(self):
        for parameter in self.parameters():
            init.uniform_(parameter, -1 / math.sqrt(self.hidden_size), 1 / math.sqrt(self.hidden_size))

    def flatten_parameters(self):
        return None

    @property
    def all_weights(self):
        return [[getattr(self, name) for name in self._flat_weights_names]]

    def _run(self, input, states, names):
        """Output and states; of a packed sequence its steps run as one batch of one, padded."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input, states, names)
        if input.dim() not in (2, 3):
            found = f"{input.dim()}D tensor" if self.mode.startswith("RNN") else f"{input.dim()}D"
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {found} instead")
        kind = getattr(self, self._flat_weights_names[0]).dtype
        if input.dtype is not kind and not _autocast.active:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({kind}). Convert input: "
                f"input.to({kind}), or convert model: model.to({input.dtype})"
            )
        batched = input.dim() == 3
        directions = 2 if self.bidirectional else 1
        out = self.proj_size or self.hidden_size
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}"
            )
        batch = (input.shape[0 if self.batch_first else 1],) if batched else ()
        widths = {"hx": out, "cx": self.hidden_size}
        if states is None:
            shapes = [(self.num_layers * directions, *batch, widths[name]) for name in names]
            states = tuple(FUNCTIONS["zeros"](shape, dtype=input.dtype) for shape in shapes)
        states = tuple(states)
        if len(states) < len(names):
            raise IndexError("tuple index out of range")
        for name, state in zip(names, states, strict=False):
            wanted = (self.num_layers * directions, *batch, widths[name])
            if state.dim() != (3 if batched else 2):
                word = "batched 3-D" if batched else "unbatched 2-D"
                found = f"{state.dim()}-D tensor"
                if len(names) == 2:
                    found = f"({states[0].dim()}-D, {states[1].dim()}-D) tensors"
                raise RuntimeError(
                    f"For {word} input, {' and '.join(names)} should also be {len(wanted)}-D but got {found}"
                )
            if tuple(state.shape) != wanted:
                label = "hidden" if len(names) == 1 else f"hidden[{names.index(name)}]"
                raise RuntimeError(f"Expected {label} size {wanted}, got {list(state.shape)}")
        if not input.shape[1 if self.batch_first and batched else 0]:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        weights = [getattr(self, name) for name in self._flat_weights_names]
        steps_first = self.batch_first and batched
        shape = (input.shape[1], *batch) if steps_first else input.shape[:-1]
        layout = self.num_layers, directions, self.bias, steps_first, self.dropout if self.training else 0.0
        output, *states = _OPERATORS[self.mode](input, list(states), weights, (*shape, out * directions), *layout)
        return output.transpose(0, 1) if steps_first else output, states

    def _run_packed(self, packed, states, names):
        """Each sequence by itself; states stand in the order in which the sequences were given."""
        first, self.batch_first = self.batch_first, False
        if len(set(packed._lengths)) == 1:
            try:
                whole = packed.data.unflatten(0, (-1, len(packed._lengths)))
                output, states = self._run(whole, states, names)
                return packed._with(output.flatten(0, 1)), states
            finally:
                self.batch_first = first
        outputs, last = [None] * len(packed._order), [None] * len(packed._order)
        try:
            for at, given in enumerate(packed._order):
                own = None if states is None else tuple(state.narrow(1, given, 1) for state in states)
                output, last[given] = self._run(packed._sequence(at).unsqueeze(1), own, names)
                outputs[at] = output.squeeze(1)
        finally:
            self.batch_first = first
        states = [FUNCTIONS["cat"](list(kept), 1) for kept in zip(*last, strict=True)]
        return packed._with_sequences(outputs), states

    def forward(self, input, hx=None):
        output, states = self._run(input, None if hx is None else (hx,), ("hx",))
        return output, states[0]

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        for name, plain in (
            ("proj_size", 0),
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0),
            ("bidirectional", False),
        ):
            if getattr(self, name) != plain:
                text += f", {name}={getattr(self, name)}"
        return text


class RNN(RNNBase):
    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", *others, **options):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        _refuse_projection(options)
        self.nonlinearity = nonlinearity
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *others, **options)


class LSTM(RNNBase):
    def __init__(self, *sizes, **options):
        super().__init__("LSTM", *sizes, **options)

    def forward(self, input, hx=None):
        output, states = self._run(input, hx, ("hx", "cx"))
        return output, tuple(states)


class GRU(RNNBase):
    def __init__(self, *sizes, **options):
        _refuse_projection(options)
        super().__init__("GRU", *sizes, **options)


def _refuse_projection(options):
    if "proj_size" in options:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNNCellBase(Module):
    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self.weight_ih = Parameter(empty(num_chunks * hidden_size, input_size, dtype=dtype))
        self.weight_hh = Parameter(empty(num_chunks * hidden_size, hidden_size, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(num_chunks * hidden_size, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def _checked(self, input, states, label=0):
        if input.dim() not in (1, 2):
            raise ValueError(f"{type(self).__name__}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.shape[-1]} expected {self.input_size}")
        if states is None:
            return FUNCTIONS["zeros"](*input.shape[:-1], self.hidden_size, dtype=input.dtype)
        batched = input.dim() == 2
        if batched and input.shape[0] != states.shape[0]:
            raise RuntimeError(
                f"Input batch size {input.shape[0]} doesn't match hidden{label} batch size {states.shape[0]}"
            )
        if not batched and states.dim() == 2:
            raise RuntimeError(
                f"hidden{label} has inconsistent hidden_size: got {states.shape[0]}, expected {self.hidden_size}"
            )
        if states.shape[-1] != self.hidden_size:
            raise RuntimeError(
                f"hidden{label} has inconsistent hidden_size: got {states.shape[-1]}, expected {self.hidden_size}"
            )
        return states

    def _gates(self, input, state):
        given, own = F.linear(input, self.weight_ih, self.bias_ih), F.linear(state, self.weight_hh, self.bias_hh)
        return own.add_(given)

    def reset_parameters(self):
        for parameter in self.parameters():
            init.uniform_(parameter, -1 / math.sqrt(self.hidden_size), 1 / math.sqrt(self.hidden_size))

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        text += "" if self.bias else f", bias={self.bias}"
        other = getattr(self, "nonlinearity", "tanh")
        return text + (f", nonlinearity={other}" if other != "tanh" else "")


class RNNCell(RNNCellBase):
    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        gates = self._gates(input, self._checked(input, hx))
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return gates.tanh() if self.nonlinearity == "tanh" else gates.relu()


class LSTMCell(RNNCellBase):
    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, dtype=dtype)

    def forward(self, input, hx=None):
        if isinstance(hx, Tensor):
            raise TypeError("lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor")
        if hx is not None and len(hx) != 2:
            raise RuntimeError("lstm_cell expects two hidden states")
        hidden, cell = (None, None) if hx is None else hx
        hidden, cell = self._checked(input, hidden), self._checked(input, cell, 1)
        take, forget, new, give = self._gates(input, hidden).unsafe_chunk(4, -1)
        take, forget, new, give = take.sigmoid_(), forget.sigmoid_(), new.tanh_(), give.sigmoid_()
        cell = (forget * cell).add_(take * new)
        return give * cell.tanh(), cell


class GRUCell(RNNCellBase):
    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, dtype=dtype)

    def forward(self, input, hx=None):
        hidden = self._checked(input, hx)
        given = F.linear(input, self.weight_ih, self.bias_ih).unsafe_chunk(3, -1)
        own = F.linear(hidden, self.weight_hh, self.bias_hh).unsafe_chunk(3, -1)
        reset, update = (own[at].add_(given[at]).sigmoid_() for at in (0, 1))
        new = given[2].add(own[2].mul_(reset)).tanh_()
        return (hidden - new).mul_(update).add_(new)


def recurrent_flops(input, states, weights, output_shape, *layout, out_val=None):
    """Twice the multiply–accumulates: each step multiplies by every matrix once."""
    steps = input.numel() // input.shape[-1]
    return 2 * steps * sum(weight.numel() for weight in weights if weight.dim() > 1)

"""Recurrent layers, one step after the other."""

from .._public import FUNCTIONS
from .steps import composed


def _lstm(gates, hidden, cell, weights):
    take, forget, new, give = gates.chunk(4, -1)
    cell = forget.sigmoid() * cell + take.sigmoid() * new.tanh()
    hidden = give.sigmoid() * cell.tanh()
    return (hidden @ weights["hr"].t() if "hr" in weights else hidden), cell


def _gru(given, own, hidden):
    reset, update, new = given.chunk(3, -1)
    own_reset, own_update, own_new = own.chunk(3, -1)
    new = (new + (reset + own_reset).sigmoid() * own_new).tanh()
    return (hidden - new) * (update + own_update).sigmoid() + new


def _names(has_bias, has_projection):
    return ["ih", "hh", *(["bias_ih", "bias_hh"] if has_bias else []), *(["hr"] if has_projection else [])]


def _along(mode, rows, states, weights, is_reverse):
    """One layer in one direction: (outputs of all steps, states after the last)."""
    given = _product(rows, weights["ih"], weights.get("bias_ih"))
    states, outputs = list(states), []
    for at in reversed(range(rows._shape[0])) if is_reverse else range(rows._shape[0]):
        own = _product(states[0], weights["hh"], weights.get("bias_hh"))
        if mode == "LSTM":
            states = list(_lstm(given[at] + own, *states, weights))
        elif mode == "GRU":
            states = [_gru(given[at], own, states[0])]
        else:
            states = [(given[at] + own).tanh() if mode == "RNN_TANH" else (given[at] + own).relu()]
        outputs.append(states[0])
    return FUNCTIONS["stack"](outputs[::-1] if is_reverse else outputs), states


def _product(rows, weight, bias):
    product = rows @ weight.t()
    return product if bias is None else product + bias


def _recurrent(name, mode):
    @composed(name, is_random=True)
    def steps(input, states, weights, output_shape, layers, directions, has_bias, steps_first, dropout):
        from ..nn.functional import dropout as dropped

        rows = input.transpose(0, 1) if steps_first else input
        each = len(weights) // (layers * directions)
        names = _names(has_bias, each % 2 == 1)
        last = [[] for _ in states]
        for layer in range(layers):
            outputs = []
            for direction in range(directions):
                at = layer * directions + direction
                its = dict(zip(names, weights[at * each : (at + 1) * each], strict=True))
                output, after = _along(mode, rows, [state[at] for state in states], its, direction == 1)
                outputs.append(output)
                for kept, state in zip(last, after, strict=True):
                    kept.append(state)
            rows = outputs[0] if directions == 1 else FUNCTIONS["cat"](outputs, -1)
            if dropout and layer < layers - 1:
                rows = dropped(rows, dropout)
        return (rows, *(FUNCTIONS["stack"](kept) for kept in last))


for _name, _mode in (("lstm", "LSTM"), ("gru", "GRU"), ("rnn_tanh", "RNN_TANH"), ("rnn_relu", "RNN_RELU")):
    _recurrent(_name, _mode)

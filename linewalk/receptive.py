"""Receptive fields, followed from operator to operator."""

import torch
from torch.utils.weak import WeakTensorKeyDictionary

_POOLING = (
    torch.ops.aten.max_pool2d_with_indices,
    torch.ops.aten.max_pool2d,
    torch.ops.aten.avg_pool2d,
)
# Products of whole matrices (attention): every place sees every other.
_MIXING = (torch.ops.aten.bmm, torch.ops.aten.baddbmm)


class ReceptiveFields:
    """For each tensor of a forward pass, how many input pixels (a side) one of its values can see.

    A convolution or pooling with kernel k, dilation d and stride s turns a field of r pixels at a jump of j pixels
    into r + (k − 1)·d·j pixels at a jump of j·s (Araujo et al., https://distill.pub/2019/computing-receptive-fields/).
    An operator that keeps height and width takes the largest of its inputs' fields; any other one (flatten, global
    pooling, upsampling) ends the count.
    """

    def __init__(self, inputs):
        self._fields = WeakTensorKeyDictionary()
        for tensor in inputs:
            if tensor.dim() >= 3 and not tensor.is_nested:
                self._fields[tensor] = (1, 1)

    def pixels(self, tensor):
        """The side of the field in input pixels, or None where it is not defined."""
        field = self._fields.get(tensor)
        return field and field[0]

    def follow(self, packet, args, inputs, outputs):
        """Take in one operator.

        Args:
            packet: its overload packet, `torch.ops.aten.convolution` for example.
            args: its arguments.
            inputs, outputs: the tensors among its arguments and results.
        """
        fields = [(tensor, self._fields[tensor]) for tensor in inputs if tensor in self._fields]
        if not fields:
            return
        field = self._after(packet, args, fields)
        for output in outputs:
            if field is None or output.is_nested:
                self._fields.pop(output, None)
            elif packet is torch.ops.aten.convolution or packet in _POOLING or _same_grid(output, fields):
                self._fields[output] = field

    def _after(self, packet, args, fields):
        size = max(size for _, (size, _) in fields)
        jump = max(jump for _, (_, jump) in fields)
        if packet is torch.ops.aten.convolution:
            _, weight, _, stride, _, dilation, transposed = args[:7]
            if transposed:
                return None
            return size + (max(weight.shape[2:]) - 1) * max(dilation) * jump, jump * max(stride)
        if packet in _POOLING:
            kernel = max(args[1])
            stride = max(args[2]) if len(args) > 2 and args[2] else kernel
            dilation = max(args[4]) if len(args) > 4 and packet is not torch.ops.aten.avg_pool2d else 1
            return size + (kernel - 1) * dilation * jump, jump * stride
        if packet in _MIXING:
            return None
        return size, jump


def _same_grid(output, fields):
    return any(tensor.dim() == output.dim() and tensor.shape[2:] == output.shape[2:] for tensor, _ in fields)

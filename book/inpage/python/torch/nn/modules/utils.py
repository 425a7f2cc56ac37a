"""A number for each axis."""


def _ntuple(count):
    def spread(value):
        return tuple(value) if hasattr(value, "__iter__") else (value,) * count

    return spread


_single, _pair, _triple, _quadruple = _ntuple(1), _ntuple(2), _ntuple(3), _ntuple(4)


def _reverse_repeat_tuple(values, times):
    return tuple(value for value in reversed(values) for _ in range(times))

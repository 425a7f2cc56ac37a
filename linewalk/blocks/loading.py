"""Loading weights written out: what `load_state_dict` compares, copies and refuses, line by line."""


def load_state(model, state, strict=True):
    """`model.load_state_dict(state, strict)` in plain Python, without hooks, `assign` and files of old versions.

    Args:
        model: the module whose parameters and buffers are written over.
        state: name → tensor, as `state_dict()` gives it.
        strict: whether names that only one side has are an error; other shapes always are.

    Returns:
        missing, unexpected: the names that only the model has, and those that only `state` has.

    Errors:
        RuntimeError with the three lists, after what fits has been copied.

    Source: the behaviour of `torch.nn.Module.load_state_dict` (https://github.com/pytorch/pytorch, BSD-style licence).
    """
    own = model.state_dict()
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    mismatched = [name for name in own if name in state and state[name].shape != own[name].shape]
    for name in own:
        if name in state and name not in mismatched:
            own[name].copy_(state[name])

    if mismatched or (strict and (missing or unexpected)):
        raise RuntimeError(f"missing: {missing}, unexpected: {unexpected}, size mismatch: {mismatched}")
    return missing, unexpected

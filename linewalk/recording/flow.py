"""What flowed where: the graph of a walk, from the record of its own operators."""

_TRANSPARENT = frozenset({  # PyTorch's own handiwork within a function: what comes out is what went in, seen otherwise
    "view", "_unsafe_view", "t", "transpose", "expand", "as_strided", "alias", "detach", "unsqueeze", "squeeze",
    "permute", "_reshape_alias", "select", "slice", "empty", "empty_like", "lift_fresh", "resolve_conj",
})


class Node:
    """Something that ran: a submodule without submodules, or an operator.

    title, type_name: "conv1", "Conv2d"; of an operator its name and "". shape: of the first tensor that came out.
    step: index of the step that ran it.
    """

    __slots__ = ("is_module", "shape", "step", "title", "type_name")

    def __init__(self, title, type_name, step, is_module):
        self.title, self.type_name, self.step, self.is_module = title, type_name, step, is_module
        self.shape = ()


class Flow:
    """The nodes of a walk in the order they ran, and which one's result went into which.

    edges: pairs of places in `nodes`; −1 − i stands for the i-th tensor that forward was given.
    """

    def __init__(self, inputs):
        """`inputs`: a `Seen` of each tensor that forward was given."""
        self.nodes = []
        self.edges = {}  # a dict as a set that keeps its order
        self.inputs = [tuple(tensor.shape) for tensor in inputs]
        self.output = []  # what the output came from
        self._made = {tensor.key: -1 - i for i, tensor in enumerate(inputs)}  # memory → the node that wrote it last
        self._of_call = {}

    def ran(self, ran, around, step):
        """Take in one operator, a `Ran`; `around`: the innermost submodule that it ran in, or None."""
        call = around if around and not around._has_children else None
        if call is None:
            if around and ran.operator.short in _TRANSPARENT:
                return
            number = len(self.nodes)
            self.nodes.append(Node(ran.operator.short, "", step.index, False))
        else:
            number = self._of_call.get(id(call))
            if number is None:
                number = self._of_call[id(call)] = len(self.nodes)
                self.nodes.append(Node(call.name, call.type_name, step.index, True))
        made = self._made
        for key in ran.sources:
            source = made.get(key)
            if source is not None and source != number:
                self.edges[source, number] = None
        for key in ran.targets:
            made[key] = number
        if ran.shape is not None:
            self.nodes[number].shape = tuple(ran.shape)

    def returned(self, memories):
        """`memories`: those of the tensors in what forward returned."""
        sources = map(self._made.get, memories)
        self.output = list(dict.fromkeys(source for source in sources if source is not None))
        self._made, self._of_call = {}, {}

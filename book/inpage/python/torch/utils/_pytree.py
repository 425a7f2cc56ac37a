"""Nested lists, tuples and dictionaries."""

SUPPORTED_NODES = {}


def _get_node_type(tree):
    return type(tree)


def tree_map(function, tree):
    """`tree` with every leaf replaced."""
    if isinstance(tree, dict):
        return type(tree)((key, tree_map(function, value)) for key, value in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(tree_map(function, value) for value in tree))
    if type(tree) in (list, tuple):
        return type(tree)(tree_map(function, value) for value in tree)
    return function(tree)


def tree_map_only(kind, function, tree):
    return tree_map(lambda leaf: function(leaf) if isinstance(leaf, kind) else leaf, tree)


def tree_leaves(tree):
    leaves = []
    tree_map(leaves.append, tree)
    return leaves

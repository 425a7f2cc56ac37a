"""A pasted class that was explained, run once more with numbers: `values(tell)`, and `card(number, tell)` of a line."""

import contextlib
import inspect
import io
import json
import math
import warnings

import annotate_pasted
import numbers_js
import torch
import torch.nn as nn
import torch.nn.functional as F
from from_javascript import FromJavaScript
from pasting import sentences
from pasting.feed import is_list
from pasting.space import FILE, defined
from pasting.unchanged import unchanged
from torch import _numbers
from torch._lacking import NoValues

from linewalk import load_image
from linewalk.draw import glimpse
from linewalk.draw.graph import lay_out_with
from linewalk.images import normalize
from linewalk.walking import walk_following

# What a phone computes within seconds and has the memory for.
_MOST_MACS, _MOST_VALUES, _MOST_PARAMETERS = 2_000_000_000, 30_000_000, 30_000_000
_SEED = 0
_PHOTOGRAPH = 224  # pixels a side

_steps = {}  # (number of a line, its source) → the last step that ran it, of what `values` was asked for last


def values(tell, pictures=()):
    """Run what `explain` has explained with numbers, and tell what each line made.

    Args:
        pictures: the reader's own picture in each size that is fed, as the page's ImageData: height, width and RGBA
            bytes in `data`.
        tell: gets, for each line that made something to see, as soon as that is drawn, what a cell puts out: in JSON
            ["display_data", content], where content["line"] is the line's index in `explain`'s lines.

    Returns:
        JSON: None where nothing was explained that runs, or {"zh", "en"}: with what it was run, or why it was not, and
        from which line on nothing is known.
    """
    told = annotate_pasted.told
    _steps.clear()
    if told is None or told.notes.forward is None or not told.notes.forward:
        return json.dumps(None)
    said = _too_much(told)
    if said is None:
        try:
            with _computing(), unchanged(), annotate_pasted.shallow():
                said = _seen(told, tell, _by_size(pictures))
        except (Exception, SystemExit) as error:
            said = sentences.not_with_numbers(f"{type(error).__name__}: {error}")
    return json.dumps(annotate_pasted.both(said), ensure_ascii=False)


def told_by_values(told, language):
    """What is `Told` by a run with the numbers that `values` will show; None where it would take too long."""
    if told.notes.forward is None or _too_much(told) is not None:
        return None
    with _computing():
        space = defined(told.source, told.tree)
        module = _built(told, space)
        _, inputs = _inputs(module, told.plan.inputs, ())
        cls, arguments = _building(told, space)
        notes, lines = annotate_pasted.noted(cls, arguments, tuple(inputs), told.plan.training, language)
    return told._replace(notes=notes, lines=lines)


def card(index, tell, graphviz=None):
    """Tell, as a cell does, the whole card of a line that `values` has told of.

    Args:
        index, tell: as there. graphviz: see `linewalk.draw.graph.lay_out_with`; None: it could not be had.
    """
    line = annotate_pasted.told.lines[index]
    if graphviz is not None:
        lay_out_with(graphviz)
    with _computing():
        drawn = _steps[line.first, line.text]._repr_html_()
    _tell(tell, drawn)


def _tell(tell, html, **more):
    tell(json.dumps(["display_data", {"data": {"text/html": html}, **more}], ensure_ascii=False))


def _by_size(pictures):
    """(height, width) → the picture's batch of one."""
    found = {}
    for one in pictures:
        rgba = torch.frombuffer(bytearray(one.data.to_bytes()), dtype=torch.uint8).view(one.height, one.width, 4)
        found[one.height, one.width] = normalize(rgba[..., :3].permute(2, 0, 1)[None].contiguous().float() / 255)
    return found


def _seen(told, tell, pictures):
    fed, trail = _walked(told, pictures)
    _steps.update({(step.lineno, step.source): step for step in trail})
    for index, line in enumerate(told.lines):
        step = _steps.get((line.first, line.text))
        if step is None:
            continue
        try:
            drawn = glimpse(step)
        except NoValues:
            return sentences.unknown_from(fed, step.source)
        if drawn:
            _tell(tell, drawn, line=index)
    return fed


def _walked(told, pictures):
    """(what it was fed with, the `Trail`), as far as it came."""
    space = defined(told.source, told.tree)
    module = _built(told, space)
    fed, inputs = _inputs(module, told.plan.inputs, pictures)
    try:
        with torch.no_grad():
            return fed, walk_following(_functions(space), module, inputs, {})
    except Exception as error:
        if getattr(error, "trail", None) is None:
            raise
        return fed, error.trail


def _built(told, space):
    cls, arguments = _building(told, space)
    return cls(**arguments).train(told.plan.training)


def _building(told, space):
    """(the class, what it is built with); random numbers begin anew, and so its weights are the same each time."""
    torch.manual_seed(_SEED)
    arguments = {name: annotate_pasted.evaluated(name, text, space) for name, text in told.plan.arguments.items()}
    return space.classes[told.plan.name], arguments


def _functions(space):
    """The paste's own functions outside of classes."""
    return [one for one in space.names.values() if inspect.isfunction(one) and one.__code__.co_filename == FILE]


def _inputs(module, wanted, pictures):
    shapes = [one for shape, whole in wanted if shape and not whole for one in (shape if is_list(shape) else [shape])]
    is_own = any(_is_of(pictures, shape) for shape in shapes)
    is_seen = any(map(_is_of_a_picture, shapes))
    fed = sentences.FED_OWN if is_own else sentences.FED_PHOTOGRAPH if is_seen else sentences.FED_RANDOM
    return fed, [_input(module, pictures, *one) for one in wanted]


def _input(module, pictures, shape, whole):
    if shape is None:
        return None
    if is_list(shape):
        return [_input(module, pictures, one, whole) for one in shape]
    if whole:
        words = [layer.num_embeddings for layer in module.modules() if isinstance(layer, nn.Embedding)]
        return torch.randint(min(words), shape) if words else torch.zeros(shape, dtype=torch.long)
    if _is_of(pictures, shape):
        return pictures[tuple(shape[2:])].repeat(shape[0], 1, 1, 1)
    if _is_of_a_picture(shape):
        return F.adaptive_avg_pool2d(load_image(), shape[2:]).repeat(shape[0], 1, 1, 1)
    return torch.randn(shape)


def _is_of(pictures, shape):
    """Whether the reader's own picture was brought for an input of this shape."""
    return len(shape) == 4 and shape[1] == 3 and tuple(shape[2:]) in pictures


def _is_of_a_picture(shape):
    """Whether the book's photograph can be had so large."""
    return len(shape) == 4 and shape[1] == 3 and all(32 <= side <= _PHOTOGRAPH for side in shape[2:])


def _too_much(told):
    """A sentence where running it would take too long or too much memory, else None."""
    trail = told.notes.forward
    parameters = sum(one.numel() for one in trail.module.parameters())
    if parameters > _MOST_PARAMETERS:
        return sentences.too_many_parameters(parameters)
    macs = trail.macs or 0
    made = sum(math.prod(node.shape) for node in trail._journal.flow.nodes)
    over = max(macs / _MOST_MACS, made / _MOST_VALUES)
    return None if over <= 1 else sentences.too_large(macs, _smaller(told.plan.inputs, over))


def _smaller(inputs, over):
    """The first shape that has places, with so many fewer that a run is short enough; None where there is none."""
    for shape, _ in inputs:
        if shape and not is_list(shape) and len(shape) >= 3:
            times = 2 ** math.ceil(math.log2(over) / (len(shape) - 2))
            return (*shape[:2], *(max(1, side // times) for side in shape[2:]))
    return None


@contextlib.contextmanager
def _computing():
    """Within it tensors hold numbers."""
    _numbers.compute_with(FromJavaScript(numbers_js))
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        _numbers.compute_with(None)

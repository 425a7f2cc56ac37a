"""A class that somebody pasted, explained line by line: `explain(code, "zh", None)`."""

import ast
import contextlib
import difflib
import inspect
import io
import itertools
import json
import re
import sys
import time
import traceback
import types
import warnings
from typing import NamedTuple

import torch.nn as nn
from pasting import sentences
from pasting.feed import inputs_of, is_list, tensor_of, works
from pasting.guess import arguments_of, asks_for_keys, guessed, parameters_of
from pasting.repair import in_a_class, lifted, repaired
from pasting.space import FILE, MODULE, defined
from pasting.stand_ins import DEBUGGERS
from pasting.unchanged import unchanged
from torch._lacking import NoValues

from linewalk import Bilingual, Described, WalkError, annotate
from linewalk.notes import Notes

_LONGEST, _MOST_ADDED, _MOST_WAYS, _DEEPEST = 200_000, 6, 16, 240
_LONGEST_LABEL = 80  # characters beside a line
_OTHERS = (
    ("tensorflow tf", "TensorFlow"),
    ("keras", "Keras"),
    ("paddle nn.Layer", "PaddlePaddle"),
    ("mindspore nn.Cell", "MindSpore"),
    ("jax jnp", "JAX"),
    ("flax nn.compact", "Flax"),
    ("mxnet", "MXNet"),
    ("jittor jt", "Jittor"),
    ("mlx mx", "MLX"),
    ("tinygrad", "tinygrad"),
    ("oneflow", "OneFlow"),
    ("chainer", "Chainer"),
    ("Dense Conv2D MaxPooling2D", "Keras"),
)


_OTHER_LANGUAGE = re.compile(
    r"#include\s*[<\"]|\b(?:std|torch|nn)::|^\s*(?:public|private|protected)\s*:\s*$|^\s*(?:public|private|static|export)\s|"
    r"^\s*(?:class|struct|interface|template)\b[^\n(]*[{>]\s*$|\bfunction\b[^\n]*\{\s*$",
    re.MULTILINE,
)
_OF_SIZES = (RuntimeError, ValueError, IndexError, AssertionError)  # what another input might mend
_OF_CODE = (NotImplementedError, RecursionError, NoValues)  # what it cannot


told = None  # the `Told` of what was explained last


class Told(NamedTuple):
    """What was explained: source, tree: the paste as it was mended; plan: how it was built and fed; notes: what
    `annotate` gave back; lines: all of its lines."""

    source: str
    tree: ast.Module
    plan: "_Plan"
    notes: Notes
    lines: list


class _Refused(Exception):
    """Nothing can be explained; `sentence` says why and what to do."""

    def __init__(self, sentence, space=None):
        super().__init__(str(sentence))
        self.sentence, self.space = sentence, space


def explain(code, language="zh", settings=None):
    """Explain a pasted class.

    Args:
        code: whatever was pasted.
        language: "zh" or "en".
        settings: None, or what the reader has changed: {"class": name, "arguments": {name: source text}, "inputs":
            [shape as a list or as text, …], "training": whether in training mode}.

    Returns:
        dict for JSON. ok: whether lines are explained; sentence: {"zh", "en"} where not, else None; error: the same
        where the run failed at a line that is explained. classes, chosen, arguments (name → source text), inputs
        (shapes, an empty one where None is handed over), integers (whether of whole numbers, one for each input),
        could_not_guess, remarks and findings
        ([{"zh", "en"}]); lines ([{number, source, depth, html, shape, ran}]); code, markdown, notebook and html of the
        whole.
    """
    answer = {
        "ok": False,
        "sentence": None,
        "error": None,
        "classes": [],
        "chosen": None,
        "arguments": {},
        "inputs": [],
        "integers": [],
        "could_not_guess": [],
        "remarks": [],
        "findings": [],
        "lines": [],
        "code": "",
        "markdown": "",
        "notebook": "",
        "html": "",
    }
    global told
    told = None
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), unchanged(), shallow():
            warnings.simplefilter("ignore")
            _explained(code, language if language == "en" else "zh", settings or {}, answer)
    except _Refused as refused:
        answer["sentence"] = both(refused.sentence)
    except RecursionError:
        answer["sentence"] = both(sentences.RECURSION)
    except WalkError as error:
        answer["sentence"] = _halves(error)
    except (SystemExit, KeyboardInterrupt):
        answer["sentence"] = both(sentences.ENDS)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        is_theirs = any(frame.filename == FILE for frame in traceback.extract_tb(error.__traceback__))
        answer["sentence"] = both(
            sentences.failed_to_load(answer["chosen"] or "class", said) if is_theirs else sentences.own_fault(said)
        )
    return answer


@contextlib.contextmanager
def shallow():
    """Within it, calls nest less deep: a browser's stack ends long before Python's own limit, and ends everything.

    And nothing sleeps, or waits for somebody at a debugger.
    """
    before, depth, frame, sleep = sys.getrecursionlimit(), 0, sys._getframe(), time.sleep
    time.sleep = lambda seconds: None
    hook, sys.breakpointhook = sys.breakpointhook, lambda *args, **kwargs: None
    debuggers = {name: sys.modules.get(name) for name in DEBUGGERS}
    sys.modules |= DEBUGGERS
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(min(before, depth + _DEEPEST))
    try:
        yield
    finally:
        time.sleep, sys.breakpointhook = sleep, hook
        for name, module in debuggers.items():
            sys.modules[name] = module
            if module is None:
                del sys.modules[name]
        sys.setrecursionlimit(before)


def _explained(code, language, settings, answer):
    tree, source, remarks = _read(code)
    space = defined(source, tree)
    turned = [sentences.TURNED] if re.search("[\u202a-\u202e\u2066-\u2069]", code) else []
    answer["remarks"] = [both(one) for one in (*turned, *remarks, *space.remarks)]
    answer["classes"] = list(space.classes)
    if not space.classes:
        answer["remarks"] = [both(one) for one in remarks]  # what was taken or left out changes nothing
        raise _Refused(_why_no_class(space, tree))
    wanted = settings.get("class")
    if wanted and wanted not in space.classes:
        raise _Refused(space.failure or sentences.no_such_class(wanted, list(space.classes)))
    names = [wanted] if wanted else _likeliest(space, tree)
    plans = []
    for name in names:
        plan = _plan(space, tree, name, settings)
        plans.append(plan)
        if plan.works:
            break
    plan = next((one for one in plans if one.works), plans[0])
    _chosen(plan, answer)
    told_by_shapes = Told(source, tree, plan, *_annotated(plan, language))
    global told
    told = _with_values(told_by_shapes, language, answer) or told_by_shapes
    _tell(told, language, space, answer)


def _read(code):
    if not isinstance(code, str) or not code.strip():
        raise _Refused(sentences.EMPTY)
    if len(code) > _LONGEST:
        raise _Refused(sentences.TOO_LONG)
    found = repaired(code)
    if found.source is None or not found.tree.body:
        if re.search(r"^\s*\(\w+\): \w+\(", code, re.MULTILINE):
            raise _Refused(sentences.PRINTED)
        if _OTHER_LANGUAGE.search(code):
            raise _Refused(sentences.OTHER_LANGUAGE)
        if "class " not in code and "def " not in code:
            if not _looks_like_a_line(code):
                raise _Refused(sentences.NOT_PYTHON)
            if "\n" not in code.strip():
                raise _Refused(sentences.ONE_LINE)
        raise _Refused(found.failure or sentences.NOT_PYTHON)
    if name := _other_framework(found.tree):
        raise _Refused(sentences.other_framework(name))
    source, tree = lifted(found.source, found.tree)
    if wrapped := in_a_class(tree):
        source, tree = wrapped, ast.parse(wrapped)
        found.remarks.append(sentences.IN_A_CLASS)
    return tree, source, found.remarks


def _other_framework(tree):
    """The framework that code is for where that is none of PyTorch's, by its imports, else by what it names."""
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    imported = {
        name.split(".")[0]
        for node in imports
        for name in (getattr(node, "module", None) or "", *(alias.name for alias in node.names))
    }
    if "torch" in imported:
        return None
    bound = {alias.asname or alias.name for node in imports for alias in node.names}
    bound |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
    named = {node.value.id for node in nodes} - bound
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    named |= {function.id for function in called} - bound
    asked = {ast.unparse(node) for node in nodes}
    return next(
        (name for words, name in _OTHERS if any(word in imported | named | asked for word in words.split())), None
    )


def _looks_like_a_line(code):
    return "self." in code or "nn." in code or "F." in code or "torch." in code


def _why_no_class(space, tree):
    if space.failure is not None:
        return space.failure
    for name, base in space.others.items():
        return sentences.not_a_module(name, base)
    if len(tree.body) == 1 and not hasattr(tree.body[0], "body") and _looks_like_a_line(ast.unparse(tree)):
        return sentences.ONE_LINE
    if "self." in ast.unparse(tree):
        return sentences.LINES
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return sentences.only_a_function(functions[-1]) if functions else sentences.NO_CLASS


def _likeliest(space, tree):
    """Class names, the likeliest to be meant first: what no other class builds, the last of these first."""
    used = {
        node.id
        for outer in tree.body
        if isinstance(outer, ast.ClassDef)
        for node in ast.walk(outer)
        if isinstance(node, ast.Name) and node.id in space.classes and node.id != outer.name
    }
    names = list(space.classes)[::-1]
    has_forward = [name for name in names if _has_forward(space.classes[name])]
    candidates = has_forward or names
    return [name for name in candidates if name not in used] or candidates


def _has_forward(cls):
    return cls.forward is not nn.Module.forward


def _node_of(cls, tree):
    return next(one for one in ast.walk(tree) if isinstance(one, ast.ClassDef) and one.name == cls.__name__)


def _why_no_forward(cls, tree):
    node = _node_of(cls, tree)
    own = [one.name for one in node.body if isinstance(one, ast.FunctionDef)]
    if any(isinstance(one, ast.FunctionDef) and one.name == "forward" for one in ast.walk(node)):
        return sentences.FORWARD_INSIDE
    if any(isinstance(one, ast.FunctionDef) and one.name == "forward" for one in tree.body):
        return sentences.FORWARD_OUTSIDE
    alike = [name for name in own if name in ("__call__", "call", "construct")]
    alike += difflib.get_close_matches("forward", own, n=1, cutoff=0.7)
    return sentences.forward_misnamed(alike[0]) if alike else sentences.NO_FORWARD


def _without_self(cls, tree):
    """Remarks for methods that were written without `self`: their first parameter is called as an input is."""
    node = _node_of(cls, tree)
    for method in node.body:
        is_plain = isinstance(method, ast.FunctionDef) and not method.decorator_list
        if is_plain and method.name in ("__init__", "forward") and method.args.args:
            first = method.args.args[0].arg
            if first not in ("self", "cls", "module", "this", "_", "s"):
                yield sentences.self_missing(method.name, first)


def _plan(space, tree, name, settings):
    """The `_Plan` of a class, with another padding where none of its guesses worked."""
    plan = _Plan(space, tree, name, settings)
    given = settings.get("arguments") or {}
    padding = next((one for one in plan.arguments if "pad" in one and one not in given), None)
    for text in ("2", "0") if padding and not plan.works else ():
        arguments = {**given, padding: text}
        other = _Plan(space, tree, name, {**settings, "arguments": arguments})
        if other.works:
            return other
    return plan


class _Plan:
    """How one class will be built and called.

    arguments: name → source text; values: name → value; inputs: [(shape, whole)]; works: whether a trial run ended
    well.
    """

    def __init__(self, space, tree, name, settings):
        self.name, self.cls = name, space.classes[name]
        self.training = bool(settings.get("training"))
        given = {key: str(text) for key, text in (settings.get("arguments") or {}).items() if str(text).strip()}
        self.arguments, unsure = arguments_of(self.cls, space, tree, given)
        self.could_not_guess = [sentences.argument_not_guessed(one, self.arguments[one]) for one in unsure]
        self.could_not_guess += _without_self(self.cls, tree)
        self.values = {key: evaluated(key, text, space) for key, text in self.arguments.items()}
        self.inputs, self.works = None, False
        module = self._built(space)
        if module is None or not _has_forward(self.cls):
            if module is not None:
                self.could_not_guess.append(_why_no_forward(self.cls, tree))
                self.works = True
            return
        if settings.get("inputs"):
            self.inputs = [_shape(one) for one in settings["inputs"]]
            self._settle_integers(settings.get("integers"), module)
            self.works = True
            return
        self.inputs, self.works = inputs_of(module, tree)
        signature = inspect.signature(self.cls.__init__).parameters.values()
        several = [one.name for one in signature if one.kind is one.VAR_POSITIONAL and one.name != "args"]
        self.could_not_guess += map(sentences.left_empty, several)
        if not self.works:
            dictionaries = asks_for_keys(self.cls.forward, parameters_of(self.cls.forward))
            self.could_not_guess += map(sentences.wants_a_dictionary, dictionaries)
            parts = [name for name, text in self.arguments.items() if text == "nn.Identity()"]
            self.could_not_guess += [sentences.part_not_pasted(name) for name in parts]

    def _built(self, space):
        """The module, or None; what it wants besides its own parameters (`**kwargs`) is guessed as well."""
        takes_more = any(
            one.kind is one.VAR_KEYWORD for one in inspect.signature(self.cls.__init__).parameters.values()
        )
        for _ in range(_MOST_ADDED):
            try:
                return self.cls(**self.values)
            except TypeError as error:
                missing = re.search(r"missing \d+ required positional argument[^:]*: '(\w+)'", str(error))
                text = guessed(missing[1]) if missing and takes_more else None
                if text is None or missing[1] in self.values:
                    return None
                self.arguments[missing[1]] = text
                self.values[missing[1]] = evaluated(missing[1], text, space)
            except KeyError as error:  # of `cfg["width"]`, where `__init__` takes `**cfg`
                name = error.args[0] if error.args else None
                text = guessed(name) if takes_more and isinstance(name, str) and name.isidentifier() else None
                if text is None or name in self.values:
                    return None
                self.arguments[name], self.values[name] = text, evaluated(name, text, space)
            except Exception:
                return None
        return None

    def _settle_integers(self, whole, module):
        """Which of the given inputs are whole numbers: as was said, else as it runs."""
        count = len(self.inputs)
        if whole is None:
            ways = itertools.islice(itertools.product((False, True), repeat=count), _MOST_WAYS)
            fitting = (way for way in ways if works(module, list(zip(self.inputs, way, strict=True))))
            whole = next(fitting, (False,) * count)
        whole = [*whole, *[False] * count][:count]
        self.inputs = [(shape, bool(one)) for shape, one in zip(self.inputs, whole, strict=True)]


def evaluated(name, text, space):
    try:
        return eval(
            compile(text.strip(), "<argument>", "eval"),
            {"nn": nn, "SimpleNamespace": types.SimpleNamespace, **space.names},
        )
    except Exception as error:
        raise _Refused(sentences.wrong_argument(name, text, f"{type(error).__name__}: {error}")) from error


def _shown(shape):
    return f"[{', '.join(map(_shown, shape))}]" if is_list(shape) else "×".join(map(str, shape or ["None"]))


def _shape(given):
    """As the reader writes it: numbers; several of these with ";" between, for a list of tensors; nothing, for None."""
    if isinstance(given, str) and ";" in given:
        return tuple(_shape(one) for one in given.strip().strip("[]").split(";") if one.strip())
    if isinstance(given, (list, tuple)) and given and isinstance(given[0], (list, tuple)):
        return tuple(map(_shape, given))
    if given is None or given == [] or (isinstance(given, str) and given.strip() in ("", "None")):
        return None
    text = (
        given
        if isinstance(given, str)
        else ",".join(map(str, given))
        if isinstance(given, (list, tuple))
        else str(given)
    )
    cleaned = text.strip().strip("()[]")
    for sign in "x×，*、 ":
        cleaned = cleaned.replace(sign, ",")
    try:
        shape = tuple(int(size) for size in cleaned.split(",") if size.strip())
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1 or len(shape) > 8 or max(shape) > 10**7:
        raise _Refused(sentences.wrong_shape(text))
    return shape


def _chosen(plan, answer):
    answer |= {
        "chosen": plan.name,
        "arguments": plan.arguments,
        "inputs": [list(map(list, shape) if is_list(shape) else shape or []) for shape, _ in plan.inputs or []],
        "integers": [whole for _, whole in plan.inputs or []],
        "could_not_guess": [both(one) for one in plan.could_not_guess],
    }


def _annotated(plan, language):
    """(the `Notes` of a run on tensors without values, its lines)"""
    inputs = None if plan.inputs is None else tuple(tensor_of(*one) for one in plan.inputs)
    return noted(plan.cls, plan.values, inputs, plan.training, language)


def noted(cls, arguments, inputs, training, language):
    """(the `Notes`, its lines) of a pasted class that is built with these arguments and fed with these inputs."""
    notes = annotate(cls, language=language, inputs=inputs, training=training, **arguments)
    own = {entry.name for entry in notes._reading.helpers if entry.function.__module__ == MODULE}
    notes.helpers = [(name, lines) for name, lines in notes.helpers if name in own]
    notes.remarks = [one for one in notes.remarks if "meta" not in one.en]  # it is the page's way, not the reader's
    return notes, _lines_of(notes)


def _with_values(by_shapes, language, answer):
    """What is `Told` by a run with real values, where the way that a line goes depends on them; else None."""
    if not isinstance(by_shapes.notes.error, NoValues):
        return None
    try:
        import pasted_values

        found = pasted_values.told_by_values(by_shapes, language)
    except Exception:  # nothing computes values here, or it did not come so far with them: shapes say what they can
        return None
    if found is None or isinstance(found.notes.error, NoValues):
        return None
    line = by_shapes.notes.forward.failed
    answer["remarks"].append(both(sentences.depends_on_values(line.lineno, line.source.split("\n")[0])))
    return found


def _tell(told, language, space, answer):
    notes, plan = told.notes, told.plan
    if plan.inputs and not plan.works and isinstance(notes.error, _OF_SIZES) and not isinstance(notes.error, _OF_CODE):
        shown = ", ".join(_shown(shape) for shape, _ in plan.inputs)
        answer["could_not_guess"].append(both(sentences.input_not_guessed(shown)))
    answer |= {
        "ok": True,
        "error": _failure(notes),
        "lines": [_line(line, notes, language) for line in told.lines],
        "findings": [both(one) for one in notes.findings],
        "remarks": [*answer["remarks"], *(both(one) for one in notes.remarks)],
        "code": _with_imports(notes.in_file(told.source), space.imports),
        "markdown": notes.markdown(),
        "notebook": json.dumps(notes.notebook(), ensure_ascii=False, indent=1),
        "html": notes.html(cards=False),
    }


def _with_imports(code, imports):
    """With the imports that were added, which stand behind those from `__future__`."""
    if not imports:
        return code
    future = [node for node in ast.parse(code).body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    lines, place = code.split("\n"), future[-1].end_lineno if future else 0
    return "\n".join([*lines[:place], *imports, "", "", *lines[place:]])


def _lines_of(notes):
    return [line for _, lines in (("", notes.lines), *notes.helpers) for line in lines]


def _failure(notes):
    if notes.error is None:
        return None
    for trail in (notes.forward, notes.init):
        failed = getattr(trail, "failed", None)
        if failed is not None and failed.error is not None:
            return both(failed.error)
    if isinstance(notes.error, RecursionError):
        return both(sentences.RECURSION)
    if isinstance(notes.error, WalkError):
        return _halves(notes.error)
    return both(Bilingual(f"运行时出错：{notes.error}", f"It failed while running: {notes.error}"))


def _line(line, notes, language):
    return {
        "number": line.first,
        "source": line.text,
        "depth": line.depth,
        "html": notes.line_html(line, language),
        "shape": _shape_label(line, notes),
        "ran": line.ran,
    }


def _shape_label(line, notes):
    """The shape of what a line made: of the first name that it changed, of what it returned, else of its value."""
    for step in line.steps[-1:]:
        if step.error is not None:
            return ""
        if step.result and step.source.startswith("return"):
            with contextlib.suppress(KeyError):
                return _shapes_in(Described(step.value(step.result)))
        for change in step.changed.values():
            if found := _shapes_in(change.after):
                return found
    return _shape_of_value(line.node, notes)


def _shape_of_value(node, notes):
    """The shape of a statement's value as it was watched: functions of the paste's have no steps of their own."""
    if isinstance(node, ast.FunctionDef):
        first = node.args.args[0].arg if node.args.args else None
        value = next((one for one in ast.walk(node) if hasattr(one, "site") and getattr(one, "id", 0) == first), None)
    else:
        value = node if isinstance(node, ast.AugAssign) else getattr(node, "value", None)
    for run in filter(None, (notes._reading.forward, notes._reading.init)):
        if expression := run.expressions.get(getattr(value, "site", None)):
            seen = (expression.first if isinstance(node, ast.FunctionDef) else expression.last).result
            holds_tensors = seen.kind == "tensor" or any(item.kind == "tensor" for item in seen.items)
            return seen.text if holds_tensors and len(seen.text) <= _LONGEST_LABEL else ""
    return ""


def _shapes_in(described):
    """A tensor's shape; those of a few tensors together, "(1×20, 1×20)"."""
    is_tensor = described.shape is not None
    return described.text if is_tensor or ("×" in described.text and len(described.text) <= _LONGEST_LABEL) else ""


def _halves(error):
    """The two sentences of one of linewalk's own errors."""
    zh, _, en = str(error).partition("\n")
    return {"zh": zh, "en": en}


def both(words):
    return {"zh": words.zh, "en": words.en}

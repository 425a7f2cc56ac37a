"""Checks a solution again, from outside: the student's code runs in a sandbox, what is right is known only here.

Tests inside the student's notebook run after the student's code, which may have changed what they call. Here only the
source of the solution cells goes into a new process; questions and answers go through a pipe, as JSON and safetensors,
and are compared on this side.
"""

import importlib
import json
import os
import re
import select
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import torch
from messages import TooMuch, read_json
from safetensors.torch import load, save
from sandbox import PYTHON, START_SECONDS, Sandbox, SandboxError, limits

STUDENT_SIDE = Path(__file__).with_name("student_side.py")
ON_PAPER = Path(__file__).with_name("on_paper.py")
HIDDEN_ON_PAPER = ("torch", "functorch", "torchgen")
MAX_TEXT, MAX_TENSORS, MAX_HEADER = 2 * 2**20, 48 * 2**20, 256 * 2**10  # of one answer
MAX_ANSWERS = 256 * 2**20  # of all of them


# What on_paper.py's stand-ins leave in an error: they were asked for a number, or are the answer themselves.
TORCH_NEEDED = re.compile("NeedsTorch|TypeError: StandIn")
NEEDS_TORCH = (
    "该手算或只用公式的答案，没有 torch 和 linewalk 就算不出来 · "
    "what was to be worked out by hand or by a formula cannot be had without torch or linewalk"
)


class StudentError(Exception):
    """The student's code raised, timed out, died, or answered what cannot be carried; the text says which."""


def checks_of(assignment):
    """The module checks/<assignment>.py: SOLUTIONS, PRELUDE, WALKS, CHECKS."""
    return importlib.import_module(f"checks.{assignment}")


def second_check(checks, sources):
    """(passed, reason) for every name in `checks.CHECKS`, each with weights and inputs of its own.

    sources: the student's source by the grade_id of its cell; a deleted cell is not there.
    Raises SandboxError where Python does not start in the sandbox, and whatever a check raises: no student is to blame
    for either.
    """
    results = {}
    with Student(checks, sources) as student:
        for name, check in checks.CHECKS.items():
            student.asked_on_paper = False
            torch.manual_seed(int.from_bytes(os.urandom(7), "big"))
            try:
                passed = bool(check(student))
                results[name] = passed, "" if passed else student.needed_torch()
            except StudentError as error:
                results[name] = False, str(error)[:300]
    return results


class Student:
    """The student's namespace, behind a pipe. A process that dies or hangs is followed by a new one."""

    def __init__(self, checks, sources, paper=False):
        self.given = checks, sources
        self.walks = checks.WALKS and not paper
        self.paper = paper
        self.failures = []
        self.on_paper_too = None
        self.asked_on_paper = False
        self.sources = [["prelude", checks.PRELUDE], *([name, sources.get(name, "")] for name in checks.SOLUTIONS)]
        self.bounds = limits()
        self.deadline = time.monotonic() + self.bounds.check_seconds
        self.sandbox = None
        self.bytes_left = MAX_ANSWERS

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        if self.on_paper_too:
            self.on_paper_too.close()

    @property
    def on_paper(self):
        """The same student in a Python that has neither torch nor linewalk: for what was to be done without them.

        What a cell does with them all the same comes to nothing (see on_paper.py); tensors cannot be sent.
        """
        self.asked_on_paper = True
        if self.on_paper_too is None:
            self.on_paper_too = Student(*self.given, paper=True)
            self.on_paper_too.deadline = self.deadline
        return self.on_paper_too

    def needed_torch(self):
        """Why an answer asked for on paper is wrong, where a cell broke off for want of torch; otherwise nothing."""
        failures = self.on_paper_too.failures if self.asked_on_paper else []
        return NEEDS_TORCH if TORCH_NEEDED.search(str(failures)) else ""

    def evaluate(self, expression, **values):
        """The value of an expression in the student's namespace, with `values` bound.

        Values and result: tensors, numbers, strings, bools, None, and lists, tuples and dicts of them; sequences come
        back as lists. Raises StudentError.
        """
        if self.sandbox is None:
            if time.monotonic() > self.deadline:
                raise StudentError("timed out")
            self.start()
        tensors = {}
        values = {name: encode(value, tensors) for name, value in values.items()}
        try:
            return self.ask({"expression": expression, "values": values}, tensors)
        except StudentError as error:
            if self.paper and TORCH_NEEDED.search(str(error)):
                raise StudentError(NEEDS_TORCH) from None
            raise

    def execute(self, name, source):
        """Runs source of ours as one more cell in the student's namespace."""
        if self.sandbox is None:
            self.start()
        self.ask({"sources": [[name, source]]}, {})

    def start(self):
        program = STUDENT_SIDE.read_text(encoding="utf-8")
        if self.paper:
            program = ON_PAPER.read_text(encoding="utf-8") + program
        began = time.monotonic()
        seconds = max(1, self.deadline - began) + START_SECONDS
        self.sandbox = Sandbox(
            [PYTHON, "-c", program],
            self.bounds,
            seconds,
            walks=self.walks,
            hidden=HIDDEN_ON_PAPER if self.paper else (),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            self.answer(began + START_SECONDS)
        except StudentError as reason:
            raise SandboxError(
                f"沙箱里的 Python 没有启动（{PYTHON}：{reason}），"
                "请检查它的 torch 和 safetensors，再运行一次会接着做。 · "
                f"Python did not start in the sandbox ({PYTHON}: {reason}): check its torch and safetensors, "
                "then run again to go on."
            ) from None
        self.deadline += time.monotonic() - began
        self.failures = self.ask({"sources": self.sources}, {})

    def ask(self, message, tensors):
        until = min(self.deadline, time.monotonic() + self.bounds.cell_seconds)
        try:
            self.write(json.dumps(message).encode(), until)
            self.write(save(tensors), until)
        except (StudentError, SandboxError):
            self.close()
            raise
        return self.answer(until)

    def answer(self, until):
        try:
            answer = read_json(self.read_part(until, MAX_TEXT))
            tensors = self.read_part(until, MAX_TENSORS)
            if int.from_bytes(tensors[:8], "little") > MAX_HEADER:  # which would be any number of empty tensors
                raise StudentError("answer too large")
            if "error" in answer:
                error = StudentError(str(answer["error"])[:1000])
            else:
                return decode(answer["value"], load(tensors))
        except (StudentError, SandboxError):
            self.close()
            raise
        except TooMuch as bad:
            self.close()
            raise StudentError(f"unreadable answer ({bad})") from None
        except Exception as bad:  # the answer is the student's to write, and may be anything
            self.close()
            raise StudentError(f"unreadable answer ({type(bad).__name__})") from None
        raise error

    def write(self, part, until):
        data = memoryview(len(part).to_bytes(8, "big") + part)
        pipe = self.sandbox.process.stdin.fileno()
        os.set_blocking(pipe, False)
        while data:
            self.ready([], [pipe], until)
            try:
                data = data[os.write(pipe, data) :]
            except BrokenPipeError:
                raise self.gone() from None

    def read_part(self, until, most):
        length = int.from_bytes(self.read(8, until), "big")
        if length > min(most, self.bytes_left):
            raise StudentError("answer too large")
        self.bytes_left -= length
        return bytes(self.read(length, until))

    def read(self, length, until):
        pipe = self.sandbox.process.stdout.fileno()
        data = bytearray()
        while len(data) < length:
            self.ready([pipe], [], until)
            piece = os.read(pipe, min(length - len(data), 2**20))
            if not piece:
                raise self.gone()
            data += piece
        return data

    def ready(self, reading, writing, until):
        if not any(select.select(reading, writing, [], max(0, until - time.monotonic()))):
            raise StudentError("timed out")

    def gone(self):
        self.sandbox.wait()
        if self.sandbox.is_lost():
            raise SandboxError(
                "沙箱被别的程序终止了：请看这台机器的内存够不够，再运行一次会接着做。 · "
                "Something else stopped the sandbox: see whether this machine has memory left, then run again to go on."
            )
        return StudentError(f"killed: {self.sandbox.reason}" if self.sandbox.reason else "the process ended")

    def close(self):
        if self.sandbox:
            with self.sandbox:
                self.sandbox.process.stdout.close()
                with suppress(BrokenPipeError):
                    self.sandbox.process.stdin.close()
                self.sandbox.kill()
            self.sandbox = None


def encode(value, tensors):
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(value, (list, tuple)):
        return {"list": [encode(item, tensors) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key, tensors), encode(item, tensors)] for key, item in value.items()]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be sent to the student's side")


def decode(value, tensors):
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        if "list" in value:
            return [decode(item, tensors) for item in value["list"]]
        return {decode(key, tensors): decode(item, tensors) for key, item in value["dict"]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError("a bare list")

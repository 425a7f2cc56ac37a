"""Checks a solution again, from outside: the student's code runs in a sandbox, what is right is known only here.

Tests inside the student's notebook run after the student's code, which may have changed what they call. Here only the
source of the solution cells goes into a new process; questions and answers go through a pipe, as JSON and safetensors,
and are compared on this side.
"""

import importlib
import json
import os
import select
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import torch
from safetensors.torch import load, save
from sandbox import PYTHON, Sandbox, SandboxError, limits

STUDENT_SIDE = Path(__file__).with_name("student_side.py")
MAX_ANSWER = 256 * 2**20
START_SECONDS = 60  # of Python and torch, before anything of the student's runs; not counted


class StudentError(Exception):
    """The student's code raised, timed out, died, or answered what cannot be carried; the text says which."""


def checks_of(assignment):
    """The module checks/<assignment>.py: SOLUTIONS, PRELUDE, WALKS, CHECKS."""
    return importlib.import_module(f"checks.{assignment}")


def second_check(checks, sources):
    """(passed, reason) for every name in `checks.CHECKS`, each with weights and inputs of its own.

    sources: the student's source by the grade_id of its cell; a deleted cell is not there.
    Raises SandboxError where Python does not start in the sandbox, which no student is to blame for.
    """
    results = {}
    with Student(checks, sources) as student:
        for name, check in checks.CHECKS.items():
            torch.manual_seed(int.from_bytes(os.urandom(7), "big"))
            try:
                results[name] = bool(check(student)), ""
            except SandboxError:
                raise
            except Exception as error:  # whatever an odd answer makes of a check, it did not pass
                told = str(error) if isinstance(error, StudentError) else f"{type(error).__name__}: {error}"
                results[name] = False, told[:300]
    return results


class Student:
    """The student's namespace, behind a pipe. A process that dies or hangs is followed by a new one."""

    def __init__(self, checks, sources):
        self.walks = checks.WALKS
        self.sources = [["prelude", checks.PRELUDE], *([name, sources.get(name, "")] for name in checks.SOLUTIONS)]
        self.bounds = limits()
        self.deadline = time.monotonic() + self.bounds.check_seconds
        self.sandbox = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def evaluate(self, expression, **values):
        """The value of an expression in the student's namespace, with `values` bound.

        Values and result: tensors, numbers, strings, bools, None, and lists, tuples and dicts of them; sequences come
        back as lists. Raises StudentError.
        """
        if self.sandbox is None:
            self.start()
        tensors = {}
        values = {name: encode(value, tensors) for name, value in values.items()}
        return self.ask({"expression": expression, "values": values}, tensors)

    def start(self):
        command = [PYTHON, "-c", STUDENT_SIDE.read_text(encoding="utf-8")]
        began = time.monotonic()
        seconds = max(1, self.deadline - began) + START_SECONDS
        self.sandbox = Sandbox(
            command,
            self.bounds,
            seconds,
            walks=self.walks,
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
        self.ask({"sources": self.sources}, {})

    def ask(self, message, tensors):
        until = min(self.deadline, time.monotonic() + self.bounds.cell_seconds)
        try:
            self.write(json.dumps(message).encode(), until)
            self.write(save(tensors), until)
        except StudentError:
            self.close()
            raise
        return self.answer(until)

    def answer(self, until):
        try:
            answer, tensors = json.loads(self.read_part(until)), load(self.read_part(until))
            if "error" in answer:
                error = StudentError(str(answer["error"])[:1000])
            else:
                return decode(answer["value"], tensors)
        except StudentError:
            self.close()
            raise
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

    def read_part(self, until):
        length = int.from_bytes(self.read(8, until), "big")
        if length > MAX_ANSWER:
            raise StudentError("answer too large")
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

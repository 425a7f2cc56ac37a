"""What a student's process sends: refused before it takes this process's memory, and never a traceback."""

import json
import time

import pytest

pytestmark = pytest.mark.usefixtures("bubblewrap")


@pytest.mark.parametrize("value", [None, [1, [2.5, {"a": "字"}]], "[" * 10**6, "," * 10**6, ['\\"' * 10**5], "\\ud800"])
def test_a_text_is_read_as_it_is(value):
    from messages import read_json

    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"[]," * 10**6 + b"[]]", b"[" * 10**5 + b"]" * 10**5, b'{"a":' * 100 + b"1" + b"}" * 100, b"9" * 10**5,
        b"", b"\xff\xfe", b"{", b'"' + b'\\"' * 10**6, b"[" + b'"",' * 10**6 + b'""]',
    ],
)
def test_a_text_that_is_refused(text):
    from messages import TooMuch, read_json

    began = time.monotonic()
    with pytest.raises(TooMuch):
        read_json(text)
    assert time.monotonic() - began < 10


def test_half_a_character_becomes_a_question_mark():
    from messages import read_json

    assert read_json(rb'["\ud800x", "\ud83d\ude00", "\\ud800"]') == ["?x", "😀", r"\ud800"]
    read_json(b'"\xed\xa0\x80"').encode()


@pytest.fixture
def executor():
    from kernel import SandboxedExecute
    from nbformat.v4 import new_code_cell, new_notebook

    executor = SandboxedExecute()
    executor.reset_execution_trackers()
    executor.output_size = executor.error_size = 0
    executor.clear_before_next_output = False
    executor.nb = new_notebook(cells=[new_code_cell("")])
    return executor


ODD = [None, 3, 1e300, "x", [], [[]], {}, {"a": 1}, True]
GOOD = {
    "stream": {"name": "stdout", "text": "x"},
    "display_data": {"data": {"text/plain": "x"}, "metadata": {}, "transient": {"display_id": "d"}},
    "execute_result": {"data": {"text/plain": "x"}, "metadata": {}, "execution_count": 1},
    "error": {"ename": "E", "evalue": "v", "traceback": ["t"]},
    "status": {"execution_state": "busy"},
    "clear_output": {"wait": False},
    "execute_input": {"code": "x", "execution_count": 1},
    "comm_open": {"comm_id": "c", "target_name": "t", "data": {"state": {}}},
    "comm_msg": {"comm_id": "c", "data": {"state": {"a": 1}}},
    "update_display_data": {"data": {"text/plain": "x"}, "metadata": {}, "transient": {"display_id": "d"}},
    "nobody knows": {},
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_message_with_anything_in_any_field(executor, kind):
    """It is taken or refused, and what is kept of it is a notebook that can be written."""
    import nbformat
    from messages import TooMuch
    from nbclient.exceptions import CellExecutionComplete

    for field in [*GOOD[kind], "missing"]:
        for odd in [*ODD, "delete"]:
            content = json.loads(json.dumps(GOOD[kind]))
            content.pop(field, None) if odd == "delete" else content.update({field: odd})
            message = {"msg_type": kind, "header": {"msg_type": kind}, "parent_header": {}, "metadata": {},
                       "content": content, "buffers": []}
            try:
                executor.process_message(message, executor.nb.cells[0], 0)
            except (TooMuch, CellExecutionComplete):
                continue
    if kind in ("stream", "display_data", "execute_result", "error"):
        assert executor.nb.cells[0].outputs
    executor.nb.cells[0].execution_count = 1  # as nbclient does when a cell is over
    nbformat.validate(executor.nb)
    nbformat.writes(executor.nb).encode()
    assert not executor.widget_state and not executor.comm_objects


def test_what_is_kept_has_a_bound(executor):
    import nbformat

    cell = executor.nb.cells[0]
    error = {"ename": "E" * 10**5, "evalue": "v" * 10**5, "traceback": ["t" * 10**5] * 100}
    for kind, content in [("error", error), ("stream", {"name": "stdout", "text": ""}), *GOOD.items()] * 5000:
        if kind != "clear_output":
            message = {"msg_type": kind, "header": {"msg_type": kind}, "parent_header": {}, "metadata": {}}
            executor.process_message({**message, "content": dict(content), "buffers": []}, cell, 0)
    assert len(nbformat.writes(executor.nb)) < 6 * 2**20
    for _ in range(1000):  # a notebook of many cells, each with its first error
        cell.outputs = []
        message = {"msg_type": "error", "header": {"msg_type": "error"}, "parent_header": {}, "metadata": {}}
        executor.process_message({**message, "content": dict(error), "buffers": []}, cell, 0)
        assert cell.outputs[0].output_type == "error" and len(str(cell.outputs)) < 2000


@pytest.mark.parametrize(
    "forged",
    [
        {"header": b"[]"}, {"header": b"{}"}, {"header": b'{"msg_id": 1, "msg_type": 2}'}, {"parent": b"3"},
        {"metadata": b"null"}, {"content": b"[]"}, {"content": b"["}, {"content": b"[" * 10**5}, {"header": b"\xff"},
        {"header": b'{"msg_id": "", "msg_type": "x", "version": []}'}, {"frames": 1}, {"frames": 4}, {"more": 1000},
        {"signature": b""}, {"signature": b"no"}, {"delimiter": b"no"},
    ],
)
def test_what_is_no_message(forged):
    from kernel import BoundedSession
    from messages import TooMuch

    session = BoundedSession(key=b"the student has it, too")
    header = b'{"msg_id": "1", "msg_type": "status", "version": "5.3"}'
    usual = {"header": header, "parent": b"{}", "metadata": b"{}", "content": b"{}"}
    body = [forged.get(name, part) for name, part in usual.items()]
    frames = [forged.get("delimiter", b"<IDS|MSG>"), forged.get("signature", session.sign(body)), *body]
    frames = frames[: 1 + forged.get("frames", 5)] + [b""] * forged.get("more", 0)
    with pytest.raises(TooMuch):
        session.deserialize(session.feed_identities(frames)[1])


def test_messages_are_counted_and_weighed(monkeypatch):
    import kernel
    from messages import TooMuch

    def taken(content, most):
        session = kernel.BoundedSession(key=b"key")
        for number in range(most):
            message = session.msg("comm_msg", content)
            try:
                session.deserialize(session.feed_identities(session.serialize(message))[1])
            except TooMuch:
                return number
        return most

    monkeypatch.setattr(kernel, "MAX_MESSAGES", 50)
    monkeypatch.setattr(kernel, "MAX_BYTES", 10**6)
    assert taken({}, 100) == 50
    assert 5 < taken({"data": "x" * 10**5}, 100) < 10

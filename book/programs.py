"""Programs that the build runs, and the sentence where one fails; what it said itself is kept in a file."""

import errno
import os
import re
import sys
from pathlib import Path

import children

SAID = Path(__file__).resolve().parents[1] / "_build" / "said.txt"

# The system's own words in what a program says, where it was the system that refused.
REFUSALS = {
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
    "Permission denied": errno.EACCES,
    "Too many open files": errno.EMFILE,
}
REFUSED = re.compile(rf"\b(ENOSPC|EDQUOT|EROFS|EACCES|EPERM|EMFILE|EFBIG)\b|{'|'.join(REFUSALS)}")
PLACE = re.compile(r"npm error path (\S.*)|(?:open|mkdir|unlink|rename|scandir|write|\w:|\]:) '([^'\n]+)'")

WHOLE = "{zh}它说的全在 {said}。 · {en} All that it said is in {said}."


class ProgramError(Exception):
    """Why a program did not succeed, and what to do; one sentence in each language. `output` is what it said."""

    def __init__(self, sentence, output):
        super().__init__(sentence)
        self.output = output


def run(command, cwd, failed, causes=(), seconds=600, name=None, **environment):
    """Runs a program in a folder.

    failed: (zh, en), what it means that it did not succeed, with room for {reason}. causes: what to say for a reason,
    (regular expression, zh, en); where none fits, what the program said. Both have room for {name}, of what it was run
    for (else of the folder). It has so many seconds.
    Raises OSError where the system refused it something, else ProgramError.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = children.run(command, seconds, cwd=cwd, env={**os.environ, "PATH": path, **environment})
    if done.returncode == 0:
        return
    output = re.sub(r"\x1b\[[0-9;]*m", "", f"{done.stdout}{done.stderr}")
    if refused := REFUSED.search(output):
        place = PLACE.search(output)
        code = REFUSALS.get(refused[0]) or getattr(errno, refused[0])
        raise OSError(code, os.strerror(code), place and next(filter(None, place.groups())))
    SAID.parent.mkdir(exist_ok=True)
    SAID.write_text(f"{' '.join(map(str, command))}\n{output}", encoding="utf-8")
    name = name or shown(cwd)
    told = zip(failed, reasons(output, causes), strict=True)
    zh, en = (text.format(name=name, reason=reason.replace("{name}", str(name))) for text, reason in told)
    raise ProgramError(WHOLE.format(zh=zh, en=en, said=shown(SAID)), output)


def reasons(output, causes):
    """The reason in each language."""
    for cause, *told in causes:
        if re.search(cause, output):
            return told
    if found := re.search(r"\[ERROR\] (.+?)(?: \[plugin .*)?\n(?:\s+(\S+:\d+:\d+):)?", output):  # esbuild's own form
        said = f"{found[2]}: {found[1]}" if found[2] else found[1]
    else:
        lines = [line.strip() for line in output.splitlines() if re.search(r"\w", line)]
        errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception): ", line)] or lines or ["?"]
        said = errors[-1][:300]
    return said, said


def shown(path):
    return os.path.relpath(path) if Path(path).is_relative_to(Path.cwd()) else path

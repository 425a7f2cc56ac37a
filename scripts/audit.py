"""Known faults in what is pinned: which package, which fault, and what to do.

    .uv/bin/python scripts/audit.py        (`make audit` makes .uv and runs it)

Asks PyPI's advisories by pip-audit for each lock of locks/, and npm's for each package-lock.json. Ends with 1 where
there is a fault, with 0 where there is none or nobody can be asked.
"""

import json
import subprocess
import sys
from pathlib import Path

from update_locks import LOCKS, NPM, ROOT, npm_program

UPDATE = (
    "先运行 make requirements；没有修好的版本时，读读公告，看这里用不用得到，再决定换掉它还是等。"
    " · Run make requirements first; where no mended version is there, read the advisory, see whether it concerns us, "
    "and replace the package or wait."
)
UNREACHABLE = "{what} 查不了：{why} · {what} could not be looked up: {why}"


def main():
    faults, unasked = [], []
    for path in sorted(LOCKS.glob("*.txt")):
        look_up(pip_faults, path.relative_to(ROOT), faults, unasked)
    for folder in NPM:
        look_up(npm_faults, Path(folder, "package-lock.json"), faults, unasked)
    for what, why in unasked:
        print(UNREACHABLE.format(what=what, why=why), file=sys.stderr)
    if faults:
        sys.exit("\n".join([*faults, UPDATE]))
    if not unasked:
        print("锁定的包里没有已知的漏洞。 · No known faults in what is pinned.")


def look_up(ask, path, faults, unasked):
    try:
        faults += [f"{path}: {fault}" for fault in ask(ROOT / path)]
    except ConnectionError as error:
        unasked.append((path, error))


def pip_faults(lock):
    """A line for each fault that PyPI knows of in a lock. ConnectionError."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", "15", "--requirement", str(lock)]
    packages = answered(command, lock.parent, "dependencies")
    if skipped := [package["name"] for package in packages if "skip_reason" in package]:
        raise ConnectionError(f"PyPI: {', '.join(skipped[:3])}{', …' * (len(skipped) > 3)}")
    for package in packages:
        for fault in package["vulns"]:
            yield told(package["name"], package["version"], fault["id"], ", ".join(fault["fix_versions"]))


def npm_faults(lock):
    """A line for each fault that npm's registry knows of in a package-lock.json. ConnectionError."""
    packages = answered([str(npm_program()), "audit", "--json", "--package-lock-only"], lock.parent, "vulnerabilities")
    pinned = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    for package in packages.values():
        versions = {pinned[node]["version"] for node in package["nodes"] if node in pinned}
        for fault in package["via"]:
            if isinstance(fault, dict):  # else the name of another package, which has lines of its own
                yield told(package["name"], ", ".join(sorted(versions)), fault["url"], f"not {fault['range']}")


def answered(command, folder, part):
    """A part of what a program answers in JSON; both end with 1 where they found a fault. ConnectionError."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise ConnectionError((done.stderr.strip().splitlines() or ["?"])[-1]) from None
    if part not in answer:
        raise ConnectionError(answer.get("message", "?"))
    return answer[part]


def told(name, version, fault, mended):
    return f"{name} {version}: {fault} → {mended or '没有修好的版本 · no mended version'}"


if __name__ == "__main__":
    main()

"""Pins anew everything that is installed from PyPI and npm, and shows what changed.

    .uv/bin/python scripts/update_locks.py        (`make requirements` makes .uv and runs it)

Of each *.in, a lock with hashes goes into locks/; requirements*.txt are the same pins without hashes, which Colab,
Binder and whoever has a torch of their own can install. torch stands in no lock, nor what only its CUDA build needs:
which build a machine wants is the machine's to say, and pip refuses a lock of which one part has no hash. Locks are for
Python 3.10 and newer, on any system. Of npm's packages, the direct ones go to their newest version.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "book"))

from npm import npm as npm_program  # noqa: E402

LOCKS = ROOT / "locks"
# In this order: the later ones are constrained by requirements.txt.
PLAIN = ("requirements", "requirements-classroom", "requirements-test")
LOCKED_ONLY = ("build", "node", "hub", "tools")
NPM = ("book/find", "book/inpage", "book/live", "classroom/hub", "tests/browser")
TORCH = re.compile(r"^(torch|triton|(cuda|nvidia)-[a-z0-9-]+)==")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)


def main():
    before = versions()
    for name in PLAIN:
        lock = compiled(ROOT / f"{name}.in")
        write(LOCKS / f"{name}.txt", name, lock)
        write(ROOT / f"{name}.txt", name, without_hashes(lock), torch_range(name))
    for name in LOCKED_ONLY:
        write(LOCKS / f"{name}.txt", f"locks/{name}", compiled(LOCKS / f"{name}.in"))
    for folder in NPM:
        update_npm(ROOT / folder)
    print("\n".join(changes(before, versions())) or "没有变化。 · Nothing changed.")


def compiled(source):
    """The requirements of a file and all that they need, each with its hashes; without torch."""
    command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--upgrade", "--universal"]
    command += ["--python-version", "3.11" if source.stem == "hub" else "3.10", "--generate-hashes"]
    command += ["--no-header", "--no-annotate", source.name]
    done = subprocess.run(command, cwd=source.parent, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    requirements = re.split(r"\n(?=\S)", done.stdout.strip())
    return [requirement for requirement in requirements if not TORCH.match(requirement)]


def without_hashes(lock):
    return [requirement.partition(" \\\n")[0] for requirement in lock]


def torch_range(name):
    """The line of the *.in that says which torch will do, for the one file that asks for it."""
    text = (ROOT / f"{name}.in").read_text(encoding="utf-8")
    return re.findall(r"^torch[<>=].*$", text, re.MULTILINE)


def write(path, source, *parts):
    lines = [line for part in reversed(parts) for line in part]
    text = "\n".join([f"# Pinned by `make requirements` from {source}.in.", *lines])
    path.write_text(text + "\n", encoding="utf-8")


def update_npm(folder):
    package = folder / "package.json"
    text = package.read_text(encoding="utf-8")
    for name, version in json.loads(text)["dependencies"].items():
        newest = npm(folder, "view", name, "version").strip()
        text = text.replace(f'"{name}": "{version}"', f'"{name}": "{newest}"')
    package.write_text(text, encoding="utf-8")
    npm(folder, "update", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund")
    # Without addresses, the registry or mirror of whoever installs is asked.
    lock = folder / "package-lock.json"
    packages = json.loads(lock.read_text(encoding="utf-8"))
    for package in packages["packages"].values():
        package.pop("resolved", None)
    lock.write_text(json.dumps(packages, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def npm(folder, *arguments):
    done = subprocess.run([str(npm_program()), *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"npm {' '.join(arguments)} ({folder.relative_to(ROOT)}):\n{done.stderr}")
    return done.stdout


def versions():
    """(lock, package) → its versions, those for different Pythons together."""
    found = {}
    for path in sorted(LOCKS.glob("*.txt")):
        for name, version in PIN.findall(path.read_text(encoding="utf-8")):
            found.setdefault((path.relative_to(ROOT), name), []).append(version)
    for folder in NPM:
        path = ROOT / folder / "package-lock.json"
        for place, package in json.loads(path.read_text(encoding="utf-8"))["packages"].items():
            if place:
                found.setdefault((path.relative_to(ROOT), place.rpartition("node_modules/")[2]), []).append(
                    package["version"]
                )
    return found


def changes(before, after):
    """A line for each package that another version, or no version, was pinned of."""
    for key in sorted({*before, *after}):
        old, new = (", ".join(sorted(found.get(key, []))) or "—" for found in (before, after))
        if old != new:
            yield f"{key[0]}: {key[1]} {old} → {new}"


if __name__ == "__main__":
    main()

"""What is installed is what was looked at: hashes, commits, digests, a list of parts, an audit that says what to do."""

import importlib.metadata
import json
import re
import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT

sys.path.append(str(ROOT / "scripts"))

LOCKS = sorted((ROOT / "locks").glob("*.txt"))
PLAIN = ("requirements", "requirements-classroom", "requirements-test")


def pins(path):
    """Line without hashes → its hashes."""
    requirements = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip())
    return {
        requirement.partition(" \\\n")[0]: re.findall(r"--hash=sha256:[0-9a-f]{64}", requirement)
        for requirement in requirements
        if not requirement.startswith(("#", "torch>"))
    }


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_everything_but_torch_is_locked_by_its_hashes(path):
    locked = pins(path)
    assert locked and all(locked.values())
    assert all(re.match(r"[\w.-]+==[\w.]+( ; .+)?$", line) for line in locked)
    assert not [line for line in locked if re.match(r"(torch|triton|nvidia-.*|cuda-.*)==", line)]


@pytest.mark.parametrize("name", PLAIN)
def test_the_plain_files_pin_the_same(name):
    assert list(pins(ROOT / f"{name}.txt")) == list(pins(ROOT / "locks" / f"{name}.txt"))


def test_what_torch_needs_is_locked():
    """It is installed behind the lock, and must not bring anything that no hash was given for."""
    locked = {line.partition("==")[0] for line in pins(ROOT / "locks" / "requirements.txt")}
    needed = [requirement for requirement in importlib.metadata.requires("torch") if "extra ==" not in requirement]
    names = {re.match(r"[\w.-]+", requirement)[0].replace("_", "-").lower() for requirement in needed}
    assert {name for name in names if not re.match("triton|nvidia-|cuda-", name)} <= locked


def test_pip_refuses_a_file_of_another_hash(tmp_path):
    lock = re.sub("[0-9a-f]{64}", "0" * 64, (ROOT / "locks" / "build.txt").read_text(encoding="utf-8"))
    (tmp_path / "lock.txt").write_text(lock, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "-r", "lock.txt", "--dest", "."]
    refused = subprocess.run(pip, cwd=tmp_path, capture_output=True, text=True)
    if "DO NOT MATCH THE HASHES" not in refused.stderr and "No matching distribution" in refused.stderr:
        pytest.skip("PyPI can't be reached · 连不上 PyPI")
    assert refused.returncode and "DO NOT MATCH THE HASHES" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["lock.txt"]


def test_make_installs_by_the_locks():
    recipes = subprocess.run(
        ["make", "--dry-run", "--always-make", ".venv/test.stamp"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    installs = re.findall(r"pip install (.+?)(?: >\S+ 2>&1)?(?: \|\| .*|)(?: \\)?$", recipes, re.MULTILINE)
    locked = [line for line in installs if "--require-hashes --no-deps" in line]
    assert [re.search(r"locks/\S+", line)[0] for line in locked] == [
        f"locks/{name}.txt" for name in ("build", *PLAIN)
    ]
    # The rest: torch by itself, this project, and what tests compare with, without what it would bring along.
    rest = [re.sub(r"^(-\S+ )*", "", line.replace("--constraint requirements.txt ", "")) for line in installs]
    others = [line for line, whole in zip(rest, installs, strict=True) if whole not in locked]
    assert others[:2] == ["torch", "."] and len(others) == 3
    assert re.fullmatch(r'"torchvision==.+" timm==[\d.]+', others[2]), others[2]
    assert "--no-deps" in installs[rest.index(others[2])]


# ---- actions and images


def test_actions_are_named_by_commit():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for use in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8")):
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use), f"{path.name}: {use}"


def test_images_are_named_by_digest():
    for path in ROOT.glob("classroom/*/Dockerfile"):
        for image in re.findall(r"^FROM (\S+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert image == "${STUDENT_IMAGE}" or re.search(r"@sha256:[0-9a-f]{64}$", image), f"{path}: {image}"


# ---- the list of parts


def test_the_wheel_says_where_the_book_is(tmp_path):
    import package

    wheel = package.package_linewalk(tmp_path / "wheel", site="https://book.example/")
    with zipfile.ZipFile(wheel) as archive:
        (about,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        assert "Project-URL: Book, https://book.example/\n" in archive.read(about).decode()


def test_the_wheel_has_a_list_of_parts(tmp_path):
    import package

    lists = []
    for name in ("once", "again"):
        package.package_linewalk(tmp_path / name)
        lists.append((tmp_path / name / "sbom.cdx.json").read_bytes())
    assert lists[0] == lists[1]
    about = json.loads(lists[0])
    assert (about["bomFormat"], about["metadata"]["component"]["name"]) == ("CycloneDX", "linewalk")
    (digest,) = about["metadata"]["component"]["hashes"]
    (wheel,) = (tmp_path / "once").glob("*.whl")
    said = subprocess.run(["sha256sum", wheel], capture_output=True, text=True).stdout.split()[0]
    assert digest == {"alg": "SHA-256", "content": said}
    parts = {part["name"]: part for part in about["components"]}
    assert {"torch", "torchview", "numpy", "markupsafe"} <= set(parts), "what linewalk needs, and what that needs"
    assert parts["numpy"]["version"] == importlib.metadata.version("numpy")
    shipped = json.loads((ROOT / "book" / "live" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    view = shipped["node_modules/@codemirror/view"]
    assert (parts["@codemirror/view"]["version"], parts["@codemirror/view"]["scope"]) == (view["version"], "required")
    assert parts["esbuild"]["scope"] == "excluded"
    assert not [name for name in ("pytest", "jupyter-book") if name in parts]
    direct = next(one for one in about["dependencies"] if one["ref"] == about["metadata"]["component"]["bom-ref"])
    assert any(ref.startswith("pkg:pypi/torchview@") for ref in direct["dependsOn"])


# ---- the audit


def test_a_fault_is_told_with_what_to_do(monkeypatch, capsys):
    """What pip-audit and npm answer, as they document it."""
    import audit

    def answered(command, folder, part):
        if part == "dependencies":
            if "requirements-test.txt" in command[-1]:
                raise ConnectionError("no route")
            fault = {"id": "PYSEC-1", "fix_versions": ["3.1.7"], "aliases": [], "description": ""}
            packages = [("jinja2", "3.1.6", [fault]), ("six", "1", [])]
            return [dict(zip(("name", "version", "vulns"), package, strict=True)) for package in packages]
        via = {"url": "https://example.org/GHSA-1", "range": "<7.0.0"}
        return {
            "ansi_up": {"name": "ansi_up", "nodes": ["node_modules/ansi_up"], "via": [via]},
            "other": {"name": "other", "nodes": [], "via": ["ansi_up"]},
        } if folder.name == "live" else {}

    monkeypatch.setattr(audit, "answered", answered)
    with pytest.raises(SystemExit) as ended:
        audit.main()
    told = str(ended.value).splitlines()
    assert "locks/requirements.txt: jinja2 3.1.6: PYSEC-1 → 3.1.7" in told
    lock = json.loads((ROOT / "book" / "live" / "package-lock.json").read_text(encoding="utf-8"))
    version = lock["packages"]["node_modules/ansi_up"]["version"]
    assert f"book/live/package-lock.json: ansi_up {version}: https://example.org/GHSA-1 → not <7.0.0" in told
    assert "make requirements" in told[-1] and " · " in told[-1]
    assert "locks/requirements-test.txt could not be looked up: no route" in capsys.readouterr().err


def test_what_changed_is_shown():
    import update_locks

    before = {("locks/a.txt", "jinja2"): ["3.1.6"], ("locks/a.txt", "gone"): ["1"], ("locks/a.txt", "same"): ["2"]}
    after = {("locks/a.txt", "jinja2"): ["3.1.7"], ("locks/a.txt", "same"): ["2"], ("locks/a.txt", "new"): ["1", "2"]}
    assert list(update_locks.changes(before, after)) == [
        "locks/a.txt: gone 1 → —", "locks/a.txt: jinja2 3.1.6 → 3.1.7", "locks/a.txt: new — → 1, 2"
    ]


def test_a_hub_is_installed_at_its_security_releases():
    """5.5.3 and 6.1.0 mend JupyterHub's faults of autumn 2026; chart 4.4.2 and newer bring a hub of series 5."""
    for name, least in (("hub", (5, 5, 3)), ("requirements-test", (6, 1, 0))):
        (version,) = re.findall(r"^jupyterhub==([\d.]+)", (ROOT / "locks" / f"{name}.txt").read_text(), re.MULTILINE)
        assert tuple(map(int, version.split("."))) >= least
    values = (ROOT / "classroom" / "hub" / "values.yaml").read_text(encoding="utf-8")
    assert '--version ">=4.4.2 <5"' in values

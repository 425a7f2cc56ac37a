"""A JupyterHub class on this machine: a teacher, two students, nbgrader's exchange and this course.

    python classroom/hub/try_out.py --port 8000        (`make class` runs it)

Everything lies in _build/class/ and is there again the next time; passwords are new each time.
"""

import argparse
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HUB = ROOT / "classroom" / "hub"
PEOPLE = ("teacher", "alice", "bob")

sys.path += [str(ROOT / "book"), str(ROOT / "classroom")]

from lifetime import PATIENCE, only_one, terminal_is_gone  # noqa: E402, I001 (before what takes long to import)
import troubles  # noqa: E402
from enclosure import enclosures, furnish, require_enclosures  # noqa: E402
from npm import install  # noqa: E402
from ports import check_port, port_number, withhold  # noqa: E402
from programs import ProgramError  # noqa: E402
from sandbox import SandboxError  # noqa: E402
from sockets import socket_folder  # noqa: E402

OPEN_IT = """\
用 Chrome、Edge 或 Firefox 打开（Safari 不认这样的地址）。每个人有自己的网址和文件，别人看不到。这个班只在本机，供试用。
Open it in Chrome, Edge or Firefox (Safari does not know such addresses). Everybody has an address and files of their
own, which the others cannot see. The class is on this machine only, for trying out."""

ANOTHER = (
    "这个文件夹里已经有一个班开着（进程 {process}）：{address} 。密码在它的终端里；要结束它，在那里按 Ctrl+C。"
    " · A class is open in this folder already (process {process}): {address} . Its terminal shows the passwords; "
    "to end it, press Ctrl+C there."
)

NOT_STARTED = (
    "JupyterHub 没有启动（{reason}），它说的全在 {log}。删掉旁边的 hub.sqlite 再试：里面只有谁登录过，没有作业和分数。"
    " · JupyterHub did not start ({reason}); all that it said is in {log}. Remove hub.sqlite beside it and try again: "
    "it holds who has logged in, and no work and no marks."
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=port_number, default=8000)
    parser.add_argument("--folder", type=Path, default=ROOT / "_build" / "class")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # closed to the machine's other users
    host = own_name(folder)
    lock = only_one(folder / ".lock", f"http://{host}:{arguments.port}/", ANOTHER)
    check_port(arguments.port, "make class")
    withhold(arguments.port, "make class")
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler)
    with socket_folder() as sockets:
        open_class(folder, host, arguments.port, sockets)
    lock.close()


def open_class(folder, host, port, sockets):
    """Until it is told to end, or its terminal is closed."""
    prepare(folder, Path(sockets, "hub"))
    passwords = {name: secrets.token_urlsafe(9) for name in PEOPLE}
    hub = start(folder, host, port, sockets, passwords)
    try:
        wait_until_open(hub, host, port, folder / "log.txt")
        print(OPEN_IT, f"\nhttp://{host}:{port}/  (Ctrl+C)", sep="\n")
        for name, password in passwords.items():
            print(f"  {name:8} {password}", flush=True)
        while hub.poll() is None and not terminal_is_gone():
            time.sleep(0.5)
    except KeyboardInterrupt:
        pass
    finally:
        # The hub ends its proxy and everybody's servers, which takes a moment.
        hub.send_signal(signal.SIGTERM)
        hub.wait(timeout=PATIENCE + 10)


def prepare(folder, hub):
    """Homes, the exchange, the proxy; the teacher's course holds the sources, of which a changed one stays."""
    os.umask(0o022)  # who of the class sees what in the closed folder is for the enclosures to say
    for source in sorted((ROOT / "classroom" / "source").iterdir()):
        target = folder / "home" / PEOPLE[0] / "bottleneck" / "source" / source.name
        if source.is_dir() and not target.exists():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    everybody = enclosures(folder, PEOPLE, hub).values()
    furnish(folder, everybody)
    require_enclosures(folder, everybody)
    proxy = folder / "proxy"
    if not (proxy / "node_modules" / ".bin" / "configurable-http-proxy").exists():
        proxy.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HUB / name, proxy)
        install(proxy, "classroom/hub")


def own_name(folder):
    """A name of this machine that no page elsewhere on it can guess: cookies know names, but no ports."""
    kept = folder / "host.txt"
    if not kept.exists() or not kept.read_text(encoding="utf-8"):  # which a full disk left
        kept.write_text(f"class-{secrets.token_hex(4)}.localhost", encoding="utf-8")
    return kept.read_text(encoding="utf-8")


def start(folder, host, port, sockets, passwords):
    """Starts JupyterHub, which reads its settings from its standard input and ends with this process.

    What it says goes to log.txt.
    """
    # The proxy's Node and the environment's own programs first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    settings = {
        "folder": str(folder), "host": host, "port": port, "sockets": sockets, "passwords": passwords,
        # The program itself: the `node` beside Python is a script, whose end would leave it behind.
        "node": subprocess.check_output([shutil.which("node", path=path), "-p", "process.execPath"], text=True).strip(),
    }
    command = [sys.executable, "-m", "jupyterhub", "--config", str(HUB / "jupyterhub_config.py")]
    with open(folder / "log.txt", "w", encoding="utf-8") as log:
        hub = subprocess.Popen(
            [sys.executable, str(ROOT / "book" / "lifetime.py"), *command], cwd=folder,
            env={**os.environ, "PATH": path}, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    hub.stdin.write(json.dumps(settings).encode())
    hub.stdin.close()
    return hub


def wait_until_open(hub, host, port, log):
    # The machine itself need not know the name.
    login = urllib.request.Request(f"http://127.0.0.1:{port}/hub/login", headers={"Host": f"{host}:{port}"})
    for _ in range(600):  # its first start writes its bytecode and its database
        if hub.poll() is not None:
            break
        try:
            urllib.request.urlopen(login, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)] or lines or ["?"]
    sys.exit(NOT_STARTED.format(reason=errors[-1][:300], log=log))


if __name__ == "__main__":
    try:
        main()
    except (ProgramError, SandboxError) as error:
        sys.exit(f"{error}")
    except OSError as error:
        sys.exit(troubles.sentence(error))

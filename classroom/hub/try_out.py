"""A JupyterHub class on this machine: a teacher, two students, nbgrader's exchange and this course.

    python classroom/hub/try_out.py --port 8000        (`make class` runs it)

Everything lies in _build/class/ and is there again the next time; passwords are new each time.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HUB = ROOT / "classroom" / "hub"
PEOPLE = ("teacher", "alice", "bob")

sys.path.append(str(ROOT / "book"))

from bundle import BundleError, npm, run  # noqa: E402
from live import check_port, port_number  # noqa: E402

ONE_USER = """\
所有服务器都以你这一个系统用户运行：会用终端的学生读得到别人的文件，也读得到答案。只供试用，真要上课请看“给老师”一页。
All servers run as you, one user of the system: a student who opens a terminal can read the others' files, and the
answers. For trying out only; for a real class see the page "For teachers"."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=port_number, default=8000)
    parser.add_argument("--folder", type=Path, default=ROOT / "_build" / "class")
    arguments = parser.parse_args()
    check_port(arguments.port, "make class")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = arguments.folder.resolve()
    furnish(folder)
    passwords = {name: secrets.token_urlsafe(9) for name in PEOPLE}
    hub = start(folder, arguments.port, passwords)
    try:
        wait_until_open(hub, arguments.port, folder / "log.txt")
        print(ONE_USER, f"\nhttp://127.0.0.1:{arguments.port}/  (Ctrl+C)", sep="\n")
        for name, password in passwords.items():
            print(f"  {name:8} {password}", flush=True)
        hub.wait()
    except KeyboardInterrupt:
        pass
    finally:
        # The hub ends its proxy and everybody's servers, which takes a moment.
        hub.send_signal(signal.SIGTERM)
        hub.wait(timeout=60)


def furnish(folder):
    """Homes, the exchange, the proxy; the teacher's course holds the sources, of which a changed one stays."""
    for name in PEOPLE:
        (folder / "home" / name).mkdir(parents=True, exist_ok=True)
    exchange = folder / "exchange"
    exchange.mkdir(exist_ok=True)
    exchange.chmod(0o777)
    for source in sorted((ROOT / "classroom" / "source").iterdir()):
        target = folder / "home" / PEOPLE[0] / "bottleneck" / "source" / source.name
        if source.is_dir() and not target.exists():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    proxy = folder / "proxy"
    if not (proxy / "node_modules" / ".bin" / "configurable-http-proxy").exists():
        proxy.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HUB / name, proxy)
        run([npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=proxy)


def start(folder, port, passwords):
    """Starts JupyterHub. What it says goes to log.txt."""
    settings = {
        "CLASS_FOLDER": str(folder),
        "CLASS_PORT": str(port),
        "CLASS_INNER_PORTS": ",".join(map(str, free_ports(2))),
        "CLASS_PASSWORDS": json.dumps(passwords),
        # The proxy's Node and the environment's own programs first.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    with open(folder / "log.txt", "w", encoding="utf-8") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "--config", str(HUB / "jupyterhub_config.py")],
            cwd=folder, env={**os.environ, **settings}, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )


def wait_until_open(hub, port, log):
    for _ in range(600):  # its first start writes its bytecode and its database
        if hub.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/hub/login", timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"JupyterHub did not start · JupyterHub 没有启动: {log}\n{log.read_text(encoding='utf-8')[-2000:]}")


def free_ports(number):
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


if __name__ == "__main__":
    try:
        main()
    except BundleError as error:
        sys.exit(f"{error}")

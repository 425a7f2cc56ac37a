"""A class on this machine, for trying out: a teacher and students, each with a server and a home folder of their own.

try_out.py writes into its standard input who they are, with their passwords: no other process finds them there. Nobody
is an administrator; who runs the class does that on the machine. Each server has a site of its own, NAME-HOST, so that
a page in one of them is a stranger to the hub and to the others, and runs in an enclosure (enclosure.py). All sockets
but the one that browsers come to are files in a folder that is closed.
"""

import hmac
import json
import os
import socket
import sys
from pathlib import Path
from urllib.parse import quote

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import LoginHandler
from jupyterhub.spawner import SimpleLocalProcessSpawner

c = get_config()  # noqa: F821 (JupyterHub gives it)

ARGUMENTS = ["--ServerApp.log_level=WARN", "--ConnectionFileMixin.transport=ipc"]

here = Path(__file__).resolve().parent
sys.path.append(str(here))

from enclosure import EXCHANGE, enclosures  # noqa: E402

settings = json.load(sys.stdin)
folder, host, port, passwords = (settings[name] for name in ("folder", "host", "port", "passwords"))
sockets = Path(settings["sockets"])
places = enclosures(folder, passwords, sockets / "hub")
(teacher,) = (name for name, place in places.items() if place.teacher)

class OwnNameLogin(LoginHandler):
    """Lets people in at the class's own name only: 127.0.0.1 hands its cookies to whoever holds another port of it."""

    async def prepare(self):
        if self.request.host == f"{host}:{port}":
            await super().prepare()
        else:
            self.redirect(f"{c.JupyterHub.subdomain_host}/hub/login")


class ClassAuthenticator(Authenticator):
    """Knows the names and passwords that the terminal showed."""

    def get_handlers(self, app):
        return [("/login", OwnNameLogin)]

    async def authenticate(self, handler, data):
        password = passwords.get(data["username"], "")
        right = hmac.compare_digest(password.encode(), data["password"].encode())
        return data["username"] if password and right else None


class EnclosedSpawner(SimpleLocalProcessSpawner):
    """Starts a server in its enclosure, on a socket that is made out here.

    Could a server make it, it could as well put a link there, and have the proxy ask any socket of this machine.
    """

    async def start(self):
        name = self.user.name
        self.cmd = places[name].command([sys.executable, str(here / "server.py")])
        if name != teacher:
            off = dict.fromkeys(("formgrader", "course_list"), False)
            extensions = {f"nbgrader.server_extensions.{extension}": on for extension, on in off.items()}
            self.args = [*ARGUMENTS, f"--ServerApp.jpserver_extensions={extensions}"]
            # And their menus, which JupyterLab would show all the same.
            own = f"{here / 'students'}{os.pathsep}{here / 'jupyter'}"
            self.environment = {**self.environment, "JUPYTER_CONFIG_PATH": own}
        path = sockets / f"server-{name}"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            listening.listen(128)
            self.popen_kwargs = {"stdin": listening}
            address = await super().start()
        self.server.connect_url = url(path)
        return address


def url(path):
    """Of a socket, as JupyterHub and its proxy write it."""
    return f"http+unix://{quote(str(path), safe='')}"


c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.subdomain_host = f"http://{host}:{port}"
# No name below the hub's: whoever has one can set cookies for the hub, and to a browser is no stranger to it.
c.JupyterHub.subdomain_hook = lambda name, domain, kind: f"{name}-{domain}"
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = url(sockets / "hub")
c.JupyterHub.hub_socket_mode = 0o666  # whose folder is closed; enclosed servers may be other users'
c.ConfigurableHTTPProxy.api_url = url(sockets / "proxy")
c.ConfigurableHTTPProxy.command = [
    settings["node"], "--require", str(here / "kept_open.cjs"),
    f"{folder}/proxy/node_modules/.bin/configurable-http-proxy",
]
c.ConfigurableHTTPProxy.pid_file = f"{folder}/proxy.pid"
c.JupyterHub.db_url = f"sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{folder}/cookie_secret"
c.JupyterHub.log_level = "WARN"

c.JupyterHub.authenticator_class = ClassAuthenticator
c.Authenticator.allowed_users = set(passwords)
c.JupyterHub.load_roles = [{"name": "admin", "users": []}]  # nor is one who was one before

c.JupyterHub.spawner_class = EnclosedSpawner
c.SimpleLocalProcessSpawner.home_dir_template = f"{folder}/home/{{username}}"
c.Spawner.args = ARGUMENTS
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.Spawner.environment = {
    "JUPYTER_CONFIG_PATH": str(here / "jupyter"),
    "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, whatever lies in a home folder
    "JUPYTER_RUNTIME_DIR": "/tmp/jupyter",  # short, as the names of sockets have to be
    "CLASS_EXCHANGE": EXCHANGE,
    "CLASS_TEACHERS": teacher,
    "CLASS_CONFIG": str(here.parent / "nbgrader_config.py"),
}

"""A class on this machine, for trying out: a teacher and students, each with a server and a home folder of their own.

All servers run as the one Unix user who started the hub. Who may run code in one of them can read the files of all.
"""

import hmac
import json
import os
import sys
from pathlib import Path

from jupyterhub.auth import Authenticator

c = get_config()  # noqa: F821 (JupyterHub gives it)

folder = os.environ["CLASS_FOLDER"]
port = int(os.environ["CLASS_PORT"])
hub_port, proxy_port = map(int, os.environ["CLASS_INNER_PORTS"].split(","))
passwords = json.loads(os.environ["CLASS_PASSWORDS"])
teacher, *students = passwords
here = Path(__file__).resolve().parent


class ClassAuthenticator(Authenticator):
    """Knows the names and passwords that the terminal showed."""

    async def authenticate(self, handler, data):
        password = passwords.get(data["username"], "")
        return data["username"] if password and hmac.compare_digest(password, data["password"]) else None


def only_teachers_grade(spawner):
    if spawner.user.name != teacher:
        off = dict.fromkeys(("formgrader", "course_list"), False)
        extensions = {f"nbgrader.server_extensions.{name}": on for name, on in off.items()}
        spawner.args = [*spawner.args, f"--ServerApp.jpserver_extensions={extensions}"]


c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_port = hub_port
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = [f"{folder}/proxy/node_modules/.bin/configurable-http-proxy"]
c.ConfigurableHTTPProxy.pid_file = f"{folder}/proxy.pid"
c.JupyterHub.db_url = f"sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{folder}/cookie_secret"
c.JupyterHub.log_level = "WARN"

c.JupyterHub.authenticator_class = ClassAuthenticator
c.Authenticator.allowed_users = set(passwords)
c.Authenticator.admin_users = {teacher}

c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{folder}/home/{{username}}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root", "--ServerApp.log_level=WARN"]
c.Spawner.pre_spawn_hook = only_teachers_grade
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.Spawner.environment = {
    "JUPYTER_CONFIG_PATH": str(here / "jupyter"),
    "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, whatever lies in a home folder
    "CLASS_EXCHANGE": f"{folder}/exchange",
    "CLASS_TEACHERS": teacher,
    "CLASS_CONFIG": str(here.parent / "nbgrader_config.py"),
}

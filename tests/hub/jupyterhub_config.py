"""A JupyterHub on this machine, for two people, each with the book from their own server (book/live.md explains it)."""

import os
import sys

c = get_config()  # noqa: F821 (JupyterHub gives it)

folder = os.environ["HUB_FOLDER"]
root = os.environ["BOOK_ROOT"]

# What serving the book takes.
c.Spawner.environment = {"PYTHONPATH": f"{root}/book", "JUPYTER_NO_CONFIG": "1", "JUPYTER_PREFER_ENV_PATH": "1"}
c.Spawner.args = ["--ServerApp.jpserver_extensions={'live': True}", "--allow-root"]
c.Spawner.default_url = "/book/"

# What is this test's.
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['HUB_PORT']}"
c.JupyterHub.hub_port = int(os.environ["HUB_PORT"]) + 1
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{int(os.environ['HUB_PORT']) + 2}"
c.ConfigurableHTTPProxy.command = [f"{folder}/node_modules/.bin/configurable-http-proxy"]
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ["HUB_PASSWORD"]
c.Authenticator.allowed_users = {"alice", "bob"}
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{folder}/home/{{username}}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.JupyterHub.db_url = f"sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{folder}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{folder}/proxy.pid"

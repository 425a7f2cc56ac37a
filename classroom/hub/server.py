"""A person's server on the socket that it is given as its standard input: there is no network in its enclosure.

The class's proxy holds the other end, and so nobody comes in, with whatever cookies, who does not come by the proxy.
"""

import os
import socket

from jupyter_server.serverapp import ServerApp
from jupyterhub.singleuser.extension import JupyterHubSingleUser


class SocketServer(ServerApp):
    def init_httpserver(self):
        super().init_httpserver()
        self.io_loop.add_callback(self.http_server.add_socket, given)


if __name__ == "__main__":
    given = socket.socket(fileno=os.dup(0))
    given.setblocking(False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # what is started from here gets nothing
    JupyterHubSingleUser.serverapp_class = SocketServer
    JupyterHubSingleUser.launch_instance()

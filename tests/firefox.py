"""Firefox as Playwright wants it: what a browser does not know of Playwright's newest commands is answered here.

Playwright drives an unchanged Firefox by WebDriver BiDi, and gives every page a colour scheme in a command that the
Firefox which Debian has does not know yet. Playwright starts this in Firefox's stead; it starts Firefox and hands
everything else on. The day Firefox knows the command, this file can go.
"""

import asyncio
import json
import re
import sys

from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

UNKNOWN = {"emulation.setMediaFeaturesOverride"}
ADDRESS = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")
LIMIT = 1 << 28  # bytes of a message, which may be a picture


class Session(WebSocketHandler):
    async def open(self):
        self.firefox = asyncio.ensure_future(
            websocket_connect(f"{self.settings['firefox']}/session", on_message_callback=self.hand_back,
                              max_message_size=LIMIT)
        )

    def check_origin(self, origin):
        return True

    async def on_message(self, message):
        command = json.loads(message)
        if command["method"] in UNKNOWN:
            return await self.write_message(json.dumps({"type": "success", "id": command["id"], "result": {}}))
        await (await self.firefox).write_message(message)

    def hand_back(self, message):
        if message is None:
            self.close()
        else:
            self.write_message(message)


async def main(program, *arguments):
    firefox = await asyncio.create_subprocess_exec(program, *arguments, stderr=asyncio.subprocess.PIPE)
    async for line in firefox.stderr:
        if found := ADDRESS.search(line):
            server = Application([("/session", Session)], firefox=found[1].decode(),
                                 websocket_max_message_size=LIMIT).listen(0, "127.0.0.1")
            port = next(iter(server._sockets.values())).getsockname()[1]
            line = f"WebDriver BiDi listening on ws://127.0.0.1:{port}\n".encode()
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
    sys.exit(await firefox.wait())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""POSTs of HTTP/1.1 whose bodies flow: each on a connection of its own, which is closed behind it."""

import asyncio
import contextlib
import sys
from functools import partial

soon = partial(asyncio.wait_for, timeout=15)  # what brings nothing for so long is dead


async def connect(url):
    secure = url.scheme == "https"
    opened = asyncio.open_connection(url.hostname, url.port or (443 if secure else 80), ssl=secure or None)
    return await asyncio.wait_for(opened, 10)


class Post:
    @classmethod
    async def begin(cls, server, path, headers, body=None):
        """Sends the head, and the body; without one, `send` brings it piece by piece."""
        self = cls()
        self.reader, self.writer = await connect(server)
        length = {"Transfer-Encoding": "chunked"} if body is None else {"Content-Length": len(body)}
        fields = {"Host": server.netloc, "Connection": "close"} | length | headers
        lines = [f"POST {server.path.rstrip('/')}{path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + (body or b""))
        return self

    async def send(self, *pieces):
        """An empty piece ends the body."""
        self.writer.writelines(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        await soon(self.writer.drain())

    async def answered(self):
        """The head of the answer has come, however long that took."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        self.status = int(head[0].split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        self.chunked = self.headers.get("transfer-encoding") == "chunked"
        self.left = 0 if self.chunked else int(self.headers.get("content-length", sys.maxsize))

    async def read(self, most):
        """What has come of the answer's body, a byte at least."""
        if self.chunked and not self.left:
            # Each chunk but the first stands behind the end of the line of the one before.
            self.left = int((await soon(self.reader.readline())).strip() or await soon(self.reader.readline()), 16)
        piece = await soon(self.reader.read(min(most, self.left)))
        if not piece:
            raise EOFError("the body has ended")
        self.left -= len(piece)
        return piece

    async def exactly(self, count):
        body = b""
        while len(body) < count:
            body += await self.read(count - len(body))
        return body

    async def whole(self):
        body = b""
        with contextlib.suppress(EOFError):
            while len(body) < 65536:
                body += await self.read(65536)
        return body

    def close(self):
        self.writer.transport.abort()

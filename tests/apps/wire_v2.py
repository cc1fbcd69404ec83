"""A client of wire v2, written from docs/protocol.md alone: `wire_v2.py SERVER TOKEN PREFIX HOST:PORT` joins
SERVER/PREFIX to a target, until SIGTERM has it leave in order. It is small, not quick: one batch at a time,
and no way is tried first. A mistake of the server's is a `ValueError`, and ends everything."""

import argparse
import asyncio
import hashlib
import hmac
import signal
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum

import yamux
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

WIRE = "/.well-known/sendit/v2"
Record = IntEnum("Record", "DATA ATTACHED ACK PING PONG PAD LAST CLOSE SKIP", start=0)
LENGTHS = {Record.PAD: range(65537), Record.CLOSE: range(1, 258)}  # of the others but DATA: 8
PIECE = 16 * 1024  # what is taken in at once, so that a cut takes no more
MOST = 64 * 1024  # what one DATA brings up
TIMES = ClientTimeout(total=None, sock_connect=10, sock_read=15)  # what brings nothing for so long is dead


class Ended(Exception):
    """The session is no more. Its arguments: why, and whether to open another."""


def base64url(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def record(kind, body):
    return bytes([kind]) + len(body).to_bytes(3) + body


async def records(body):
    """What an answer says; of what is long one piece after the other."""
    while True:
        head = await body.readexactly(4)
        kind, length = Record(head[0]), int.from_bytes(head[1:])
        if kind != Record.DATA and length not in LENGTHS.get(kind, [8]):
            raise ValueError(f"{kind.name} of {length} bytes")
        for left in range(length, 0, -PIECE):
            yield kind, await body.readexactly(min(left, PIECE))


@dataclass
class Session:
    """The two logs, and the carriers that bring them."""

    options: argparse.Namespace
    http: ClientSession
    opened: dict
    epochs: dict = field(default_factory=lambda: {"read": 0, "write": 0, "drain": 0})
    kept: bytearray = field(default_factory=bytearray)  # of the log up: what is not acknowledged
    acked: int = 0  # where that begins
    position: int = 0  # up to where carriers have brought it
    owed: bytes = b""  # the records that the next carrier up says
    taken: int = 0  # how much of the log down has been read
    heard: asyncio.StreamReader = field(default_factory=asyncio.StreamReader)  # that log, for yamux
    news: asyncio.Event = field(default_factory=asyncio.Event)  # there is something to say

    async def run(self):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(yamux.accept(self.heard, self.append, tasks, self.join))
            tasks.create_task(self.keep(self.down))
            tasks.create_task(self.keep(self.up))
            await self.options.leaving.wait()
            await self.ask("drain", "batch", 0)

    def append(self, frame):
        self.kept += frame
        self.news.set()

    async def join(self, stream):
        """The first byte says how the connection to the target came out; what follows is the target's."""
        try:
            target = await asyncio.open_connection(*self.options.target.split(":"))
        except OSError:
            stream.write(b"\1")
            return stream.frame(yamux.DATA, yamux.FIN)
        stream.write(b"\0")
        await stream.join(*target)

    async def keep(self, bring):
        """Keeps one way going. What was on a carrier that is lost comes again."""
        while True:
            try:
                await bring()
            except (ClientError, EOFError, OSError) as lost:  # no HTTP, too little, or too late
                print(f"lost {lost!r}")
                await asyncio.sleep(0.1)

    async def ask(self, way, manner, offset, body=b""):
        """Brings a carrier, whose body is bytes or flows. Its answer, and where that begins."""
        self.epochs[way] += 1
        path, epoch = f"{WIRE}/{way}", self.epochs[way]
        digest = base64url(hashlib.sha256(body).digest()) if (way, manner) == ("write", "batch") else ""
        said = dict(Session=self.opened["session"], Epoch=epoch, Offset=offset, Manner=manner, Digest=digest)
        statement = "".join(f"{line}\n" for line in ["POST", path, *said.values()])
        key = urlsafe_b64decode(self.opened["secret"] + "=")
        said["Proof"] = base64url(hmac.digest(key, statement.encode(), "sha256"))
        headers = {f"Sendit-{name}": str(value) for name, value in said.items() if value != ""}
        print(way, manner, epoch, offset)
        answer = await self.http.post(self.options.server + path, data=body, headers=headers)
        if answer.headers.get("Sendit-Epoch", headers["Sendit-Epoch"]) != headers["Sendit-Epoch"]:
            raise ConnectionError("the answer to another request")
        if answer.status == 204 or answer.status == 200 and answer.content_type == "application/octet-stream":
            return answer, int(answer.headers.get("Sendit-Offset", offset))
        refusal = f"{answer.status} {(await answer.text()).strip()}"
        if answer.status == 410 or answer.status in (401, 403) and answer.content_type == "application/json":
            raise Ended(refusal, not self.options.leaving.is_set())
        raise ConnectionError(refusal)

    async def take(self, answer, begin):
        """Reads an answer to its LAST, and returns its renewal, which is asked for before and then waits."""
        position, renewal, reads = begin, None, answer.url.path.endswith("/read")
        if reads and begin > self.taken:
            raise ConnectionError(f"the answer begins at {begin}, where {self.taken} is wanted")
        async for kind, body in records(answer.content):
            value = int.from_bytes(body[:8])
            match kind:
                case Record.DATA if reads:
                    fresh, position = body[self.taken - position :], position + len(body)
                    self.taken += len(fresh)
                    self.heard.feed_data(fresh)
                    self.news.set()
                    if position >= begin + self.options.renew and not renewal:
                        renewal = await self.ask("read", "renewal", self.taken)
                case Record.SKIP if reads and position <= value <= self.taken:
                    position = value
                case Record.ATTACHED | Record.ACK if value <= self.acked + len(self.kept):
                    if kind == Record.ACK and value > self.acked:
                        del self.kept[: value - self.acked]
                        self.acked = value
                case Record.PING | Record.PONG | Record.PAD:
                    if kind == Record.PING:
                        self.owed += record(Record.PONG, body)
                        self.news.set()
                case Record.LAST if reads and value != position:
                    raise ConnectionError(f"the body was to come to {value}, and came to {position}")
                case Record.LAST if value <= self.taken and not await answer.content.read(1):
                    return renewal
                case Record.CLOSE:
                    raise Ended(f"close {body[0]} {body[1:].decode()}", False)
                case _:
                    raise ValueError(f"{kind.name} says {value}")

    async def down(self):
        carrier = await self.ask("read", self.options.down, self.taken)
        while carrier:
            carrier = await self.take(*carrier)

    async def up(self):
        """One carrier, to its answer: the next could overtake it, which would be stale then."""
        begin = position = self.position

        async def flow():
            nonlocal position
            yield record(Record.ATTACHED, self.taken.to_bytes(8))
            while True:
                if position == self.acked + len(self.kept):
                    with suppress(TimeoutError):  # then what follows is a sign of life
                        await asyncio.wait_for(self.news.wait(), 5)
                self.news.clear()
                said, self.owed = self.owed + record(Record.ACK, self.taken.to_bytes(8)), b""
                if position < self.acked:
                    position = self.acked
                    said += record(Record.SKIP, position.to_bytes(8))
                data = self.kept[position - self.acked :][:MOST]
                position += len(data)
                yield said + record(Record.DATA, data)
                if self.options.up == "batch" or position >= begin + self.options.renew:
                    break
            yield record(Record.LAST, position.to_bytes(8))

        body = b"".join([said async for said in flow()]) if self.options.up == "batch" else flow()
        await self.take(*await self.ask("write", self.options.up, begin, body))
        self.position = position


async def open_session(options, http):
    headers = {"Authorization": f"Bearer {options.token}"} if options.token else {}
    asked = {"prefix": options.prefix, "client": "wire_v2.py"} | dict(options.ask)
    async with http.post(f"{options.server}{WIRE}/open", json=asked, headers=headers) as answer:
        if answer.status != 200:
            raise SystemExit(f"refused {answer.status} {await answer.text()}")
        opened = await answer.json()
    if lacking := dict(options.ask).keys() - opened["granted"]:
        raise SystemExit(f"not granted: {' '.join(lacking)}")
    return opened


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("server", "token", "prefix", "target"):
        parser.add_argument(name)
    for way in ("--down", "--up"):
        parser.add_argument(way, choices=["stream", "batch"], default="stream")
    parser.add_argument("--renew", type=int, default=float("inf"), help="bytes of a stream")
    parser.add_argument("--ask", nargs=2, action="append", default=[], help="what has to be granted")
    options, again = parser.parse_args(), True
    options.leaving = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, options.leaving.set)
    async with ClientSession(connector=TCPConnector(force_close=True, limit=0), timeout=TIMES) as http:
        while again:
            try:
                await Session(options, http, await open_session(options, http)).run()
            except* Ended as ended:
                why, again = ended.exceptions[0].args
                print("ended", why)


if __name__ == "__main__":
    asyncio.run(main())

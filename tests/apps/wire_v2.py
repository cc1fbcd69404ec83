"""A client of wire v2, written from docs/protocol.md alone: `wire_v2.py SERVER TOKEN PREFIX TARGET` joins SERVER/PREFIX to
TARGET, and prints a line for each carrier and each loss. SIGTERM has it leave in order. It is small, not quick: one batch at a
time, and no way is tried before it is used. `posts` and `yamux` are what it stands on; all that is this wire's own is here."""

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import signal
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from enum import IntEnum
from functools import partial
from itertools import count
from urllib.parse import urlsplit

from posts import Post, connect, soon
from yamux import Mux

WIRE = "/.well-known/sendit/v2"
Record = IntEnum("Record", "DATA ATTACHED ACK PING PONG PAD LAST CLOSE SKIP", start=0)
LENGTHS = {Record.PAD: range(65537), Record.CLOSE: range(1, 258)}  # of the others but DATA: 8
PIECE = 64 * 1024  # what one DATA brings up at most, and what is acknowledged at once
KEPT = 1024 * 1024  # of the log up, until it is acknowledged
LOSSES = (OSError, EOFError, ValueError)  # time is up (an `OSError`), the end came early, or what came is no HTTP


class Ended(Exception):
    """The session is no more. Its arguments: why, and whether to open another."""


def base64url(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def record(kind, body):
    return bytes([kind]) + len(body).to_bytes(3) + body


def number(kind, value):
    return record(kind, value.to_bytes(8))


async def records(answer):
    """What an answer says. A DATA comes in as many pieces as it arrives in, so that a cut takes nothing that has arrived."""
    while True:
        kind, *length = await answer.exactly(4)
        length = int.from_bytes(length)
        while kind == Record.DATA and length:
            piece = await answer.read(length)
            length -= len(piece)
            yield Record.DATA, piece
        if kind != Record.DATA:
            if kind > Record.SKIP or length not in LENGTHS.get(kind, [8]):
                raise Ended(f"a record of type {kind} and {length} bytes", False)
            yield kind, await answer.exactly(length)


class Session:
    """The two logs, and the carriers that bring them."""

    def __init__(self, options, opened):
        self.options, self.id, self.batch, self.over = options, opened["session"], opened["batch"], False
        self.key, self.epochs = urlsafe_b64decode(opened["secret"] + "="), defaultdict(partial(count, 1))
        self.kept, self.acked = bytearray(), 0  # the log up: what is not acknowledged, and where that begins
        self.taken = self.told = 0  # the log down: what has been read, and what was said of it
        self.owed, options.say = [options.say], b""  # the records that the next carrier up says
        self.news, self.room = asyncio.Event(), asyncio.Event()  # there is something to say; less is kept
        self.mux = Mux(lambda stream: self.tasks.create_task(join(stream, options.target)), self.append, self.write)

    async def run(self):
        async with asyncio.TaskGroup() as self.tasks:
            self.tasks.create_task(self.keep(partial(self.down, self.options.down)))
            self.tasks.create_task(self.keep(self.streams_up if self.options.up == "stream" else self.batches_up))
            await self.options.leave.wait()
            async with self.carrier("drain", "batch", 0, b"") as drain:
                await soon(self.accepted(drain))

    async def keep(self, bring):
        """Keeps one way going. A carrier that is lost takes its fellows with it, and what is not acknowledged comes again."""
        while not self.over:
            pause = 0
            try:
                async with asyncio.TaskGroup() as carriers:
                    await bring(carriers)
            except* LOSSES as lost:
                print("lost", *map(repr, lost.exceptions))
                pause = 0.1
            except* Ended:
                self.over = True  # A cancellation that meets a loss is lost with it before Python 3.13.
                raise
            await asyncio.sleep(pause)

    @contextlib.asynccontextmanager
    async def carrier(self, way, manner, offset, body=None):
        path, epoch = f"{WIRE}/{way}", next(self.epochs[way])
        digest = base64url(hashlib.sha256(body).digest()) if (way, manner) == ("write", "batch") else ""
        values = [self.id, epoch, offset, manner, digest]
        statement = "".join(f"{line}\n" for line in ["POST", path, *values])
        key, self.options.forge = b"" if self.options.forge else self.key, False
        proof = base64url(hmac.digest(key, statement.encode(), "sha256"))
        fields = zip("Session Epoch Offset Manner Digest Proof".split(), [*values, proof])
        headers = {f"Sendit-{name}": value for name, value in fields if value != ""}
        print(way, manner, epoch, offset)
        with contextlib.closing(await Post.begin(self.options.server, path, headers, body)) as carrier:
            carrier.epoch, carrier.offset = epoch, offset
            yield carrier

    async def accepted(self, carrier):
        await carrier.answered()
        kind = carrier.headers.get("content-type")
        if carrier.status == 204 or (carrier.status == 200 and kind == "application/octet-stream"):
            return
        said = f"{carrier.status} {(await carrier.whole()).decode(errors='replace').strip()}"
        if carrier.status == 410 or (carrier.status == 401 and kind == "application/json"):
            raise Ended(said, not self.options.leave.is_set())
        self.batch //= 2 if carrier.status == 413 else 1
        raise ConnectionError(said)

    async def take(self, carrier, reads=True):
        """Reads an answer to its LAST; after each record, says how much of the log it has brought."""
        if int(carrier.headers.get("sendit-epoch", carrier.epoch)) != carrier.epoch:
            raise ConnectionError("the answer to another request")
        position = begin = int(carrier.headers.get("sendit-offset", carrier.offset))
        async for kind, body in records(carrier):
            value = int.from_bytes(body[:8])
            match kind:
                case Record.DATA if reads and position <= self.taken:
                    self.read(body[self.taken - position :])
                    position += len(body)
                case Record.SKIP if reads and position <= value <= self.taken:
                    position = value
                case Record.ATTACHED | Record.ACK if value <= self.acked + len(self.kept):
                    self.forget(value if kind == Record.ACK else 0)
                case Record.PING:
                    self.owe(Record.PONG, value)
                case Record.PONG:
                    self.unanswered = 0
                case Record.PAD:
                    pass
                case Record.LAST if value == position or not reads:
                    return
                case Record.DATA | Record.LAST if reads:
                    raise ConnectionError(f"a record of type {kind} at {position}, where {self.taken} is wanted")
                case Record.CLOSE:
                    raise Ended(f"close {body[0]} {body[1:].decode()}", False)
                case _:
                    raise Ended(f"a record of type {kind} that says {value}", False)
            yield position - begin

    async def down(self, manner, carriers, turn=None):
        """One carrier. Before a stream ends, its renewal is asked for, which waits for its turn."""
        async with self.carrier("read", manner, self.taken, b"") as carrier:
            await soon(self.accepted(carrier))
            await (turn.wait() if turn else asyncio.sleep(0))
            ended = None
            async for brought in self.take(carrier):
                if brought >= self.options.renew and not ended:
                    ended = asyncio.Event()
                    carriers.create_task(self.down("renewal", carriers, ended))
            if ended:
                ended.set()

    def read(self, data):
        self.taken += len(data)
        self.mux.feed(data)
        asyncio.get_running_loop().call_later(0.1 if self.taken - self.told < PIECE else 0, self.news.set)

    def append(self, data):
        self.kept += data
        self.news.set()

    async def write(self, data):
        while len(self.kept) >= KEPT:
            self.room.clear()
            await self.room.wait()
        self.append(data)

    def forget(self, below):
        del self.kept[: max(0, below - self.acked)]
        self.acked = max(self.acked, below)
        self.room.set()

    def owe(self, kind, value):
        self.owed.append(number(kind, value))
        self.news.set()

    async def ping(self):
        """A sign of life every 5 s, which has to be answered."""
        self.unanswered = 0
        while self.unanswered < 3:
            await asyncio.sleep(5)
            self.unanswered += 1
            self.owe(Record.PING, 0)
        raise ConnectionError("nobody answers")

    def greeting(self):
        self.told = self.taken
        return number(Record.ATTACHED, self.taken) + number(Record.ACK, self.taken)

    def unsaid(self, offset):
        """What there is to say on a carrier that has come to `offset`, and where it comes to with that."""
        self.news.clear()
        said, self.owed = b"".join(self.owed), []
        if self.taken > self.told:
            self.told = self.taken
            said += number(Record.ACK, self.taken)
        if offset < self.acked:
            offset = self.acked
            said += number(Record.SKIP, offset)
        data = self.kept[offset - self.acked :][: min(PIECE, self.batch - 1024)]
        return said + (record(Record.DATA, data) if data else b""), offset + len(data)

    async def finish(self, carrier):
        await self.accepted(carrier)
        async for _ in self.take(carrier, reads=False):
            pass

    async def streams_up(self, carriers):
        """One stream after the other: the next could overtake one that nobody has answered, which would be stale then."""
        offset = self.acked
        carriers.create_task(self.ping())
        while True:
            async with self.carrier("write", "stream", offset) as carrier:
                finished, end = carriers.create_task(self.finish(carrier)), offset + self.options.renew
                await carrier.send(self.greeting())
                while offset < end:
                    said, offset = self.unsaid(offset)
                    await (carrier.send(said) if said else self.news.wait())
                await carrier.send(number(Record.LAST, offset), b"")
                await soon(finished)

    async def batches_up(self, carriers):
        """One batch after the other, each of an epoch of its own. What those before have told may be lost with them."""
        offset, self.told = self.acked, 0
        carriers.create_task(self.ping())
        while True:
            begin = max(offset, self.acked)
            said, offset = self.unsaid(begin)
            if said:
                body = self.greeting() + said + number(Record.LAST, offset)
                async with self.carrier("write", "batch", begin, body) as carrier:
                    await soon(self.finish(carrier))
            else:
                await self.news.wait()


async def join(stream, target):
    """The first byte says how the connection to the target came out; what follows is the target's."""
    try:
        reader, writer = await connect(target)
    except OSError as error:
        await stream.write(b"\2" if isinstance(error, TimeoutError) else b"\1")
        return stream.end()
    await stream.write(b"\0")
    await stream.join(reader, writer)


async def open_session(options):
    headers = {"Authorization": f"Bearer {options.token}"} if options.token else {}
    asked = json.dumps({"prefix": options.prefix, "client": "wire_v2.py"} | options.ask)
    with contextlib.closing(await Post.begin(options.server, f"{WIRE}/open", headers, asked.encode())) as post:
        await soon(post.answered())
        said = await post.whole()
    if post.status != 200:
        sys.exit(f"refused {post.status} {said.decode(errors='replace')}")
    if lacking := options.ask.keys() - json.loads(said)["granted"]:
        sys.exit(f"not granted: {' '.join(lacking)}")
    return json.loads(said)


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, kind in {"server": urlsplit, "token": str, "prefix": str, "target": urlsplit}.items():
        parser.add_argument(name, type=kind)
    for way in ("--down", "--up"):
        parser.add_argument(way, choices=["stream", "batch"], default="stream")
    parser.add_argument("--renew", type=int, default=sys.maxsize, help="what a stream brings before another takes over")
    parser.add_argument("--ask", type=json.loads, default={}, help="what has to be granted at `open`, in JSON")
    parser.add_argument("--say", type=bytes.fromhex, default=b"", help="what to say on the first carrier up, in hexadecimal")
    parser.add_argument("--forge", action="store_true", help="have the first proof wrong")
    options = parser.parse_args()
    options.leave, again = asyncio.Event(), True
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, options.leave.set)
    while again:
        try:
            await Session(options, await open_session(options)).run()
        except* Ended as causes:
            ended = causes
        while isinstance(ended, BaseExceptionGroup):
            ended = ended.exceptions[0]
        why, again = ended.args
        print("ended", why)


asyncio.run(main())

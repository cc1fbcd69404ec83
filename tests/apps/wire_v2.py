"""A client of wire v2, written from docs/protocol.md alone: `wire_v2.py SERVER TOKEN PREFIX TARGET` joins SERVER/PREFIX to
TARGET, and prints a line for each carrier and each loss. SIGTERM has it leave in order. It is small, not quick: one batch at a
time, and no way is tried before it is used. `yamux` is what it stands on; all that is this wire's own is here."""

import argparse
import hashlib
import hmac
import json
import signal
import socket
import sys
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from queue import SimpleQueue
from select import select
from threading import Condition, Thread
from urllib.parse import urlsplit

from yamux import Mux

WIRE = "/.well-known/sendit/v2"
DATA, ATTACHED, ACK, PING, PONG, PAD, LAST, CLOSE, SKIP = range(9)
PIECE = 64 * 1024  # what one DATA brings up at most, and what is acknowledged at once
KEPT = 1024 * 1024  # of the log up, until it is acknowledged
LOSSES = (OSError, EOFError, ValueError, HTTPException)  # time is up, the end came early, or what came is no HTTP


class Ended(Exception):
    """The session is no more. Its arguments: why, and whether to open another."""


def base64url(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def record(kind, body):
    return bytes([kind]) + len(body).to_bytes(3) + body


def number(kind, value):
    return record(kind, value.to_bytes(8))


def post(server, path, headers, body):
    """Sends a request, whose body is bytes, or flows from a function of the socket. What brings nothing for 15 s is dead."""
    connection, headers = HTTPConnection(server.hostname, server.port, timeout=15), headers | {"Connection": "close"}
    connection.connect()
    with suppress(BrokenPipeError, ConnectionResetError):  # then an answer may have come early, and says why
        if callable(body):
            body, headers = body(connection.sock), headers | {"Transfer-Encoding": "chunked"}
        connection.request("POST", server.path.rstrip("/") + path, body, headers, encode_chunked=True)
    return connection


def records(answer):
    """What an answer says. A DATA comes in as many pieces as it arrives in, so that a cut takes nothing that has arrived."""
    while head := answer.read(4):
        kind, length = head[0], int.from_bytes(head[1:])
        while kind == DATA and (piece := answer.read1(length)):
            length -= len(piece)
            yield kind, piece
        if kind != DATA:
            yield kind, answer.read(length)
    raise EOFError("the body has ended")


class Session:
    """The two logs, and the carriers that bring them."""

    def __init__(self, options, opened):
        self.options, self.id, self.epochs = options, opened["session"], Counter()
        self.key = urlsafe_b64decode(opened["secret"] + "=")
        self.ends = SimpleQueue()  # `None` has it leave, an `Ended` ends it
        self.is_leaving = self.is_over = False
        self.changed = Condition()  # of all that stands below
        self.kept, self.acked = b"", 0  # the log up: what is not acknowledged, and where that begins
        self.sent = 0  # where the carrier up has come to
        self.taken = self.told = 0  # the log down: what has been read, and what was said of it
        self.owed, options.say = options.say, b""  # the records that the next carrier up says
        self.mux = Mux(lambda stream: join(stream, options.target), self.append, self.write)

    def run(self):
        ways = self.down, self.stream_up if self.options.up == "stream" else self.batch_up
        threads = [Thread(target=self.keep, args=(way,), daemon=True) for way in ways]
        for thread in threads:
            thread.start()
        while not (ended := self.ends.get()):
            self.is_leaving = True
            self.answer(self.ask("drain", "batch", 0))
        for thread in threads:
            thread.join()
        return ended.args

    def keep(self, bring):
        """Keeps one way going. What is not acknowledged when a carrier is lost comes again."""
        while not self.is_over:
            try:
                bring()
            except LOSSES as lost:
                print(f"lost {lost!r}\n", end="")  # in one piece, for both ways print
                if bring != self.down:
                    self.sent, self.told = self.acked, 0
                time.sleep(0.1)
            except Ended as ended:
                self.is_over = True
                self.ends.put(ended)

    def ask(self, way, manner, offset, body=b""):
        self.epochs[way] += 1
        path, epoch, digest = f"{WIRE}/{way}", self.epochs[way], ""
        if way == "write" and manner == "batch":
            digest = base64url(hashlib.sha256(body).digest())
        values = [self.id, epoch, offset, manner, digest]
        statement = "".join(f"{line}\n" for line in ["POST", path, *values])
        key, self.options.forge = b"" if self.options.forge else self.key, False
        proof = base64url(hmac.digest(key, statement.encode(), "sha256"))
        fields = zip("Session Epoch Offset Manner Digest Proof".split(), [*values, proof])
        print(f"{way} {manner} {epoch} {offset}\n", end="")
        return post(self.options.server, path, {f"Sendit-{name}": value for name, value in fields if value != ""}, body)

    def answer(self, carrier):
        answer = carrier.getresponse()
        if answer.status in (200, 204):
            return answer
        said = f"{answer.status} {answer.read().decode().strip()}"
        if answer.status in (401, 410):
            raise Ended(said, not self.is_leaving)
        raise ConnectionError(said)

    def take(self, answer, begin):
        """Reads an answer to its LAST; after each record, says how much of the log down it has brought."""
        position = begin = int(answer.headers.get("Sendit-Offset", begin))
        for kind, body in records(answer):
            value = int.from_bytes(body[:8])
            with self.changed:
                self.changed.notify_all()
                if kind == DATA and position <= self.taken:
                    fresh, position = body[self.taken - position :], position + len(body)
                    self.taken += len(fresh)
                    self.mux.feed(fresh)
                elif kind == SKIP and position <= value <= self.taken:
                    position = value
                elif kind == ACK:
                    self.kept, self.acked = self.kept[max(0, value - self.acked) :], max(self.acked, value)
                elif kind == PING:
                    self.owed += number(PONG, value)
                elif kind == LAST:
                    return
                elif kind == CLOSE:
                    raise Ended(f"close {body[0]} {body[1:].decode()}", False)
                elif kind not in (ATTACHED, PONG, PAD):
                    raise ConnectionError(f"a record of type {kind} at {position}, where {self.taken} is wanted")
            yield position - begin

    def down(self):
        """One carrier, and those that renew it. Before a stream ends its renewal is asked for, which waits for its turn."""
        carrier = self.ask("read", self.options.down, self.taken)
        while carrier:
            with closing(carrier):
                renewal = None
                for brought in self.take(self.answer(carrier), self.taken):
                    if brought >= self.options.renew and not renewal:
                        renewal = self.ask("read", "renewal", self.taken)
            carrier = renewal

    def append(self, data):
        with self.changed:
            self.kept += data
            self.changed.notify_all()

    def write(self, data):
        with self.changed:
            self.changed.wait_for(lambda: len(self.kept) < KEPT)
            self.append(data)

    def has_news(self):
        return self.is_over or self.owed or self.acked + len(self.kept) > self.sent or self.taken - self.told >= PIECE

    def unsaid(self, is_cut=lambda: False):
        """What there is to say on the carrier up, once there is something, or it is cut: a sign of life at least, after 5 s."""
        with self.changed:
            waits = (self.changed.wait_for(self.has_news, 0.1) or self.taken > self.told or is_cut() for _ in range(50))
            if not any(waits):
                self.owed += number(PING, 0)
            said, self.owed = self.owed, b""
            if self.sent < self.acked:
                self.sent = self.acked
                said += number(SKIP, self.sent)
            data = self.kept[self.sent - self.acked :][:PIECE]
            self.sent += len(data)
            return said + self.acknowledged() + (record(DATA, data) if data else b"")

    def acknowledged(self):
        self.told = self.taken
        return number(ACK, self.taken)

    def stream_up(self):
        """One stream; the next could overtake one that nobody has answered, which would be stale then."""
        begin = self.sent

        def body(socket):
            is_answered = lambda: select([socket], [], [], 0)[0]  # which a cut looks like too
            yield number(ATTACHED, self.taken) + self.acknowledged()
            while self.sent < begin + self.options.renew and not self.is_over and not is_answered():
                yield self.unsaid(is_answered)
            yield number(LAST, self.sent)

        self.finish(self.ask("write", "stream", begin, body))

    def batch_up(self):
        begin = max(self.sent, self.acked)
        said = number(ATTACHED, self.taken) + self.unsaid()
        self.finish(self.ask("write", "batch", begin, said + number(LAST, self.sent)))

    def finish(self, carrier):
        with closing(carrier):
            for _ in self.take(self.answer(carrier), 0):
                pass


def join(stream, target):
    """The first byte says how the connection to the target came out; what follows is the target's."""
    try:
        connection = socket.create_connection((target.hostname, target.port), 10)
    except OSError:
        stream.write(b"\1")
        return stream.end()
    connection.settimeout(None)
    stream.write(b"\0")
    stream.join(connection)


def open_session(options):
    headers = {"Authorization": f"Bearer {options.token}"} if options.token else {}
    asked = json.dumps({"prefix": options.prefix, "client": "wire_v2.py"} | options.ask)
    answer = post(options.server, f"{WIRE}/open", headers, asked.encode()).getresponse()
    said = answer.read().decode()
    if answer.status != 200:
        sys.exit(f"refused {answer.status} {said}")
    if lacking := options.ask.keys() - json.loads(said)["granted"]:
        sys.exit(f"not granted: {' '.join(lacking)}")
    return json.loads(said)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, kind in {"server": urlsplit, "token": str, "prefix": str, "target": urlsplit}.items():
        parser.add_argument(name, type=kind)
    for way in ("--down", "--up"):
        parser.add_argument(way, choices=["stream", "batch"], default="stream")
    parser.add_argument("--renew", type=int, default=sys.maxsize, help="what a stream brings before another takes over")
    parser.add_argument("--ask", type=json.loads, default={}, help="what has to be granted at `open`, in JSON")
    parser.add_argument("--say", type=bytes.fromhex, default=b"", help="what to say on the first carrier up, in hexadecimal")
    parser.add_argument("--forge", action="store_true", help="have the first proof wrong")
    options, again = parser.parse_args(), True
    while again:
        session = Session(options, open_session(options))
        signal.signal(signal.SIGTERM, lambda *_, ends=session.ends: ends.put(None))
        why, again = session.run()
        print("ended", why)


main()

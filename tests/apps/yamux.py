"""The accepting end of yamux, version 0: as much of it as a client of the tunnel needs. Knows nothing of what carries it."""

import asyncio
import struct
from enum import IntEnum, IntFlag

Frame = IntEnum("Frame", "DATA WINDOW PING AWAY", start=0)
Flag = IntFlag("Flag", "SYN ACK FIN RST")
HEAD = struct.Struct(">BBHII")
WINDOW = 256 * 1024  # of a stream, each way
PIECE = 16 * 1024  # so that many streams share what carries them


class Mux:
    """Each stream that the other end opens lives as long as the task that `accept` gives it. `say` takes a frame at once,
    `write` when there is room."""

    def __init__(self, accept, say, write):
        self.accept, self.say, self.write = accept, say, write
        self.heard, self.streams = bytearray(), {}

    def feed(self, data):
        self.heard += data
        while len(self.heard) >= HEAD.size:
            version, kind, flags, id, length = HEAD.unpack_from(self.heard)
            end = HEAD.size + (length if kind == Frame.DATA else 0)
            if version or kind > Frame.AWAY or end > HEAD.size + WINDOW:
                raise RuntimeError("this is no yamux")
            if len(self.heard) < end:
                return
            body = bytes(self.heard[HEAD.size : end])
            del self.heard[:end]
            self.frame(kind, flags, id, length, body)

    def frame(self, kind, flags, id, length, body):
        if kind == Frame.PING and flags & Flag.SYN:
            self.say(HEAD.pack(0, kind, Flag.ACK, 0, length))
        if kind in (Frame.DATA, Frame.WINDOW):
            if flags & Flag.SYN:
                self.streams[id] = Stream(self, id)
                self.accept(self.streams[id]).add_done_callback(lambda _: self.streams.pop(id))
            if id in self.streams:
                self.streams[id].arrived(flags, length if kind == Frame.WINDOW else 0, body)


class Stream:
    def __init__(self, mux, id):
        self.mux, self.id = mux, id
        self.window, self.wider = WINDOW, asyncio.Event()
        self.inbox = asyncio.StreamReader()  # never more than its window, of which what is read is given back
        self.frame(Frame.WINDOW, Flag.ACK)

    def frame(self, kind, flags=0, length=0):
        self.mux.say(HEAD.pack(0, kind, flags, self.id, length))

    def arrived(self, flags, wider, body):
        self.window += wider
        self.wider.set()
        if flags & Flag.RST:
            self.inbox.set_exception(ConnectionResetError())
        if body:
            self.inbox.feed_data(body)
        if flags & Flag.FIN:
            self.inbox.feed_eof()

    async def write(self, data):
        while data:
            while not self.window:
                self.wider.clear()
                await self.wider.wait()
            piece, data = data[: self.window], data[self.window :]
            self.window -= len(piece)
            await self.mux.write(HEAD.pack(0, Frame.DATA, 0, self.id, len(piece)) + piece)

    def end(self):
        self.frame(Frame.DATA, Flag.FIN)

    async def join(self, reader, writer):
        """Copies both ways until both have ended. What ends abnormally on one side is a reset on the other."""
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self.copy_from(reader))
                both.create_task(self.copy_to(writer))
        except* OSError:
            self.frame(Frame.WINDOW, Flag.RST)
            writer.transport.abort()
        finally:
            writer.close()

    async def copy_from(self, reader):
        while data := await reader.read(PIECE):
            await self.write(data)
        self.end()

    async def copy_to(self, writer):
        while data := await self.inbox.read(PIECE):
            writer.write(data)
            await writer.drain()
            self.frame(Frame.WINDOW, 0, len(data))
        writer.write_eof()

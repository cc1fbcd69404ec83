"""The accepting end of yamux, version 0: as much of it as a tunnel's client needs, whatever carries it."""

import asyncio
import struct

DATA, WINDOW, PING, AWAY = range(4)
SYN, ACK, FIN, RST = 1, 2, 4, 8
HEAD = struct.Struct(">BBHII")
ROOM = 256 * 1024  # of a stream, each way
PIECE = 16 * 1024  # so that many streams share what carries them


async def accept(heard, say, tasks, live):
    """Has each stream that the other end opens `live` in a task. `say` is given what there is room for."""
    streams = {}
    while True:
        version, kind, flags, id, length = HEAD.unpack(await heard.readexactly(HEAD.size))
        if version or kind > AWAY or kind == DATA and length > ROOM:
            raise ValueError("this is no yamux")
        body = await heard.readexactly(length) if kind == DATA else b""
        if kind == PING and flags & SYN:
            say(HEAD.pack(0, PING, ACK, 0, length))
        elif flags & SYN:
            streams[id] = Stream(id, say)
            streams[id].task = tasks.create_task(live(streams[id]))
            streams[id].task.add_done_callback(lambda _, id=id: streams.pop(id))
        if id in streams:
            streams[id].take(flags, length if kind == WINDOW else 0, body)


class Stream:
    def __init__(self, id, say):
        self.id, self.say = id, say
        self.room, self.has_room = 0, asyncio.Event()
        self.inbox = asyncio.StreamReader()  # what is read of it is given back as room
        self.take(0, ROOM, b"")
        self.frame(WINDOW, ACK)

    def frame(self, kind, flags=0, length=0, body=b""):
        self.say(HEAD.pack(0, kind, flags, self.id, length) + body)

    def take(self, flags, wider, body):
        self.room += wider
        if wider:
            self.has_room.set()
        if body:
            self.inbox.feed_data(body)
        if flags & FIN:
            self.inbox.feed_eof()
        if flags & RST:
            self.task.cancel()

    def write(self, data):
        self.room -= len(data)
        if not self.room:
            self.has_room.clear()
        self.frame(DATA, length=len(data), body=data)

    async def join(self, reader, writer):
        """Copies both ways until both have ended. What ends abnormally at one side is reset at the other."""
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self.copy_from(reader))
                both.create_task(self.copy_to(writer))
            writer.close()
            await writer.wait_closed()
        except* OSError:
            self.frame(WINDOW, RST)
        finally:
            writer.transport.abort()

    async def copy_from(self, reader):
        while await self.has_room.wait() and (data := await reader.read(min(self.room, PIECE))):
            self.write(data)
        self.frame(DATA, FIN)

    async def copy_to(self, writer):
        while data := await self.inbox.read(PIECE):
            writer.write(data)
            await writer.drain()
            self.frame(WINDOW, length=len(data))
        writer.write_eof()

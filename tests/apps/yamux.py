"""The accepting end of yamux, version 0: as much of it as a client of the tunnel needs. Knows nothing of what carries it."""

import contextlib
import queue
import socket
import struct
import threading

DATA, WINDOW, PING, AWAY = range(4)
SYN, ACK, FIN, RST = 1, 2, 4, 8
HEAD = struct.Struct(">BBHII")
ROOM = 256 * 1024  # of a stream, each way
PIECE = 16 * 1024  # so that many streams share what carries them


class Mux:
    """Gives `accept` each stream that the other end opens, in a thread. `say` takes a frame at once, `write` when there is
    room."""

    def __init__(self, accept, say, write):
        self.accept, self.say, self.write = accept, say, write
        self.heard, self.streams = bytearray(), {}

    def feed(self, data):
        self.heard += data
        while len(self.heard) >= HEAD.size:
            _, kind, flags, id, length = HEAD.unpack_from(self.heard)
            end = HEAD.size + (length if kind == DATA else 0)
            if len(self.heard) < end:
                return
            body = bytes(self.heard[HEAD.size : end])
            del self.heard[:end]
            if kind == PING and flags & SYN:
                self.say(HEAD.pack(0, PING, ACK, 0, length))
            if flags & SYN and kind in (DATA, WINDOW):
                self.streams[id] = Stream(self, id)
                threading.Thread(target=self.live, args=(id,), daemon=True).start()
            if id in self.streams:
                self.streams[id].arrived(flags, length if kind == WINDOW else 0, body)

    def live(self, id):
        self.accept(self.streams[id])
        del self.streams[id]


class Stream:
    def __init__(self, mux, id):
        self.mux, self.id, self.is_reset = mux, id, False
        self.room, self.wider = ROOM, threading.Condition()
        self.inbox = queue.SimpleQueue()  # never more than its window, of which what is read is given back
        self.frame(WINDOW, ACK)

    def frame(self, kind, flags=0, length=0):
        self.mux.say(HEAD.pack(0, kind, flags, self.id, length))

    def arrived(self, flags, wider, body):
        with self.wider:
            self.room += wider
            self.is_reset |= bool(flags & RST)
            self.wider.notify()
        if body:
            self.inbox.put(body)
        if flags & (FIN | RST):
            self.inbox.put(b"")

    def write(self, data):
        while data:
            with self.wider:
                self.wider.wait_for(lambda: self.room or self.is_reset)
                if self.is_reset:
                    raise ConnectionResetError
                piece, data = data[: self.room], data[self.room :]
                self.room -= len(piece)
            self.mux.write(HEAD.pack(0, DATA, 0, self.id, len(piece)) + piece)

    def end(self):
        self.frame(DATA, FIN)

    def join(self, target):
        """Copies both ways until both have ended. What ends abnormally on one side is a reset on the other."""
        down = threading.Thread(target=self.copy_to, args=(target,), daemon=True)
        down.start()
        try:
            while data := target.recv(PIECE):
                self.write(data)
            self.end()
        except OSError:
            self.frame(WINDOW, RST)
            self.arrived(RST, 0, b"")
        down.join()
        target.close()

    def copy_to(self, target):
        with contextlib.suppress(OSError):  # which reading meets as well
            while data := self.inbox.get():
                target.sendall(data)
                self.frame(WINDOW, 0, len(data))
            target.shutdown(socket.SHUT_RDWR if self.is_reset else socket.SHUT_WR)

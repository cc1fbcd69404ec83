"""WebSockets by a library of their own on both sides: `target` echoes, or closes as it is told; `visit URL` talks."""

import asyncio
import secrets
import sys

import websockets.asyncio.client as client
import websockets.asyncio.server as server
from websockets.exceptions import ConnectionClosed, InvalidStatus

LARGE = 16 * 1024 * 1024


async def echo(socket):
    async for message in socket:
        if isinstance(message, str) and message.startswith("close "):
            await socket.close(int(message.split()[1]), "as told")
            return
        if message == "fragments":
            await socket.send(["a", "", "b" * 70_000, "\u00e9"])
        elif message == "ping":
            await asyncio.wait_for(await socket.ping(b"from the target"), 30)
            await socket.send("ponged")
        elif message == "subprotocol":
            await socket.send(socket.subprotocol)
        elif message == "how":
            # Said by the visitor's next connection about the one before it.
            await socket.send(str(closed))
        else:
            await socket.send(message)


closed = None


async def noted(socket):
    global closed
    try:
        await echo(socket)
        await socket.wait_closed()
    finally:
        if socket.request.path.endswith("/noted"):
            closed = int(socket.close_code), socket.close_reason


def choose(_, offered):
    return "a" if "a" in offered else None


async def target():
    options = {"max_size": 2 * LARGE, "select_subprotocol": choose, "ping_interval": None}
    async with server.serve(noted, "127.0.0.1", 0, **options) as serving:
        print(f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}", flush=True)
        await serving.serve_forever()


def connect(url, **options):
    return client.connect(url, max_size=2 * LARGE, proxy=None, ping_interval=None, open_timeout=60, **options)


async def asked(socket, message):
    await socket.send(message)
    return await asyncio.wait_for(socket.recv(), 60)


async def visit(url):
    for compression in ["deflate", None]:
        async with connect(f"{url}/x?y=%2F", compression=compression, subprotocols=["b", "a"]) as socket:
            assert await asked(socket, "subprotocol") == "a"
            for message in ["", "hello", "\u00e9\U0001f600" * 1000, b"", bytes(range(256)), "x" * 65_535, b"y" * 65_536]:
                assert await asked(socket, message) == message
            # Random, so that no compression makes it small.
            large = secrets.token_bytes(LARGE)
            assert await asked(socket, large) == large
            text = secrets.token_hex(LARGE // 2)
            assert await asked(socket, text) == text
            assert await asked(socket, [b"a", b"", b"b" * 100_000]) == b"a" + b"b" * 100_000
            await socket.send("fragments")
            pieces = [piece async for piece in socket.recv_streaming()]
            assert len(pieces) > 1 and "".join(pieces) == "a" + "b" * 70_000 + "\u00e9"
            await asyncio.wait_for(await socket.ping(b"from the visitor"), 30)
            assert await asked(socket, "ping") == "ponged"
            # Many at once, in order.
            await asyncio.gather(*(socket.send(str(n)) for n in range(500)))
            assert [await socket.recv() for _ in range(500)] == [str(n) for n in range(500)]
    for code in [1000, 1001, 1008, 1011, 3000, 4999]:
        async with connect(url) as socket:
            await socket.send(f"close {code}")
            try:
                await asyncio.wait_for(socket.recv(), 60)
                raise AssertionError("it was to be closed")
            except ConnectionClosed as end:
                assert (end.rcvd.code, end.rcvd.reason) == (code, "as told"), end
        async with connect(f"{url}/noted") as socket:
            await socket.close(code, "by the visitor")
        async with connect(url) as socket:
            assert await asked(socket, "how") == str((code, "by the visitor"))
    # A connection that is lost without a word is no close.
    socket = await connect(f"{url}/noted")
    await asked(socket, "hello")
    socket.transport.abort()
    async with connect(url) as socket:
        while (how := await asked(socket, "how")).startswith("(4999"):
            await asyncio.sleep(0.05)
        assert how == str((1006, "")), how
    try:
        await connect(url.replace("/app", "/nobody"))
        raise AssertionError("nobody is there")
    except InvalidStatus as refused:
        assert refused.response.status_code == 404
    print("everything came as it was sent")


asyncio.run(target() if sys.argv[1] == "target" else visit(sys.argv[2]))

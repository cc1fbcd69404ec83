"""What a notebook does in a browser: files up and down, and a kernel over a WebSocket. `notebook.py URL TOKEN`."""

import base64
import json
import secrets
import sys
import urllib.request
import uuid

import websockets.sync.client as client

URL, TOKEN = sys.argv[1:]
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(method, path, content=None):
    body = None if content is None else json.dumps(content).encode()
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{URL}/{path}", body, headers, method=method)
    with OPENER.open(request, timeout=60) as answer:
        return answer.read()


def files():
    content = secrets.token_bytes(3 * 1024 * 1024)
    model = {"type": "file", "format": "base64", "content": base64.b64encode(content).decode()}
    call("PUT", "api/contents/a%20%C3%A9.bin", model)
    assert call("GET", "files/a%20%C3%A9.bin") == content, "downloaded as a file"
    back = json.loads(call("GET", "api/contents/a%20%C3%A9.bin?format=base64&type=file"))
    assert base64.b64decode(back["content"]) == content, "downloaded as JSON"


def kernel():
    kernel = json.loads(call("POST", "api/kernels", {"name": "python3", "path": "a \u00e9.bin"}))["id"]
    socket = URL.replace("http:", "ws:") + f"/api/kernels/{kernel}/channels?token={TOKEN}"
    # As a browser says it: Jupyter compares it with `Host`.
    origin = URL.removesuffix("/app")
    with client.connect(socket, origin=origin, proxy=None, max_size=None, open_timeout=60) as channels:
        code = "import os\nprint(6 * 7)\nprint('x' * 2_000_000)\nos.path.getsize('a \u00e9.bin')"
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": "s", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        channels.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}))
        printed, result = "", None
        while True:
            message = json.loads(channels.recv(60))
            if message["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "stream":
                printed += content["text"]
            elif kind == "execute_result":
                result = content["data"]["text/plain"]
            elif kind == "error":
                raise AssertionError(content)
            elif kind == "status" and content["execution_state"] == "idle":
                break
    assert printed == "42\n" + "x" * 2_000_000 + "\n", printed[:100]
    assert result == str(3 * 1024 * 1024), result
    call("DELETE", f"api/kernels/{kernel}")


files()
kernel()
print("the notebook works")

"""An archive of the inspector, as others read it: `har.py FILE` checks it against HAR 1.2, field by field, and prints what
haralyzer sees in it."""

import json
import sys

from haralyzer import HarParser, HarPage

# The fields that the specification asks for, and their types; a list has items of one shape.
PAIR = {"name": str, "value": str}
COOKIE = {"name": str, "value": str}
REQUEST = {
    "method": str,
    "url": str,
    "httpVersion": str,
    "cookies": [COOKIE],
    "headers": [PAIR],
    "queryString": [PAIR],
    "headersSize": int,
    "bodySize": int,
}
RESPONSE = {
    "status": int,
    "statusText": str,
    "httpVersion": str,
    "cookies": [COOKIE],
    "headers": [PAIR],
    "content": {"size": int, "mimeType": str},
    "redirectURL": str,
    "headersSize": int,
    "bodySize": int,
}
TIMINGS = {name: (int, float) for name in ("blocked", "dns", "connect", "send", "wait", "receive", "ssl")}
ENTRY = {
    "startedDateTime": str,
    "time": (int, float),
    "request": REQUEST,
    "response": RESPONSE,
    "cache": {},
    "timings": TIMINGS,
}
LOG = {"version": str, "creator": {"name": str, "version": str}, "entries": [ENTRY]}

# Those that may be there; what else there is begins with an underscore.
MORE = {
    "comment",
    "compression",
    "postData",
    "text",
    "encoding",
    "path",
    "domain",
    "expires",
    "httpOnly",
    "secure",
    "mimeType",
    "params",
}


def check(value, shape, where):
    if isinstance(shape, list):
        assert isinstance(value, list), where
        for number, item in enumerate(value):
            check(item, shape[0], f"{where}[{number}]")
    elif isinstance(shape, dict):
        assert isinstance(value, dict), where
        for name, inner in shape.items():
            assert name in value, f"{where} has no {name}"
            check(value[name], inner, f"{where}.{name}")
        for name in value.keys() - shape.keys():
            assert name in MORE or name.startswith("_"), f"{where}.{name} is not of the standard"
    else:
        assert isinstance(value, shape) and not isinstance(value, bool), f"{where}: {value!r}"


def main(path):
    with open(path, encoding="utf-8") as file:
        archive = json.load(file)
    check(archive, {"log": LOG}, "har")
    for entry in archive["log"]["entries"]:
        parts = [part for part in entry["timings"].values() if part >= 0]
        assert abs(sum(parts) - entry["time"]) < 0.001, entry["timings"]
    parser = HarParser(archive)
    page = HarPage("unknown", har_parser=parser)
    for entry in page.entries:
        said = [entry.startTime.isoformat(), entry.request.method, entry.request.url, str(entry.response.status)]
        print(" ".join([*said, entry.response.mimeType, f"{entry.time:.1f}ms"]))
    print(f"{len(page.post_requests)} of them POST, {page.get_total_size(page.entries)} bytes")


main(sys.argv[1])

"""`wire_v2.py` with one mistake, when it begins: `mistaken.py proof ARGUMENTS` has a proof wrong,
`mistaken.py record ARGUMENTS` says a record of an unknown type."""

import asyncio
import hmac
import sys

import wire_v2


def once(mistake, right):
    """`mistake` for the first call, and `right` from then on."""
    calls = iter([mistake])
    return lambda *args: next(calls, right)(*args)


match sys.argv.pop(1):
    case "proof":
        hmac.digest = once(lambda *_: bytes(32), hmac.digest)
    case "record":
        wire_v2.record = once(lambda *_: bytes([99, 0, 0, 0]), wire_v2.record)
asyncio.run(wire_v2.main())

"""Signed webhooks: `target` verifies what it gets with the providers' own packages, `send URL` signs and sends; `sign`
prints signed ones, a line of JSON for each, and `verify` takes such lines from its input.

Signing and verifying share no code: who signs knows hashlib alone, and who verifies has the packages, and the bytes where a body is
no text, which the packages do not take.
"""

import base64
import gzip
import hashlib
import hmac
import http.client
import json
import secrets
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes are a good key!").decode()

PATHS = [
    "/hook",
    "/",
    "/a%2Fb%2fc",
    "//a//b/",
    "/a+b%20c%2B",
    "/a/../b/./c",
    "/%2e%2e/x",
    "/hook?a=1?b=2",
    "/hook??",
    "/hook?",
    "/hook?z=1&a=2&a=%20+%2B&&=",
    "/%C3%A9/%zz;p=1,2",
    "/hook?q=%00%0d%0a",
]

BODIES = [
    b"",
    b'{"a": 1}',
    b'{"a":\r\n "b"}\r\n\r\n',
    '{"k": "\u00e9\u4e2d\U0001f600\u2028"}'.encode(),
    b"\xef\xbb\xbf{}",
    bytes(range(256)),
    gzip.compress(b'{"a": 1}' * 100),
    b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    b'{"large": "' + secrets.token_hex(5 * 512 * 1024).encode() + b'"}',
]

FORMS = [
    [],
    [("From", "+15551234567"), ("Body", "a+b & c=d \u00e9\u4e2d")],
    [("b", "2"), ("a", ""), ("B", "1"), ("a b", "\r\n")],
]


def key():
    return base64.b64decode(SECRET.removeprefix("whsec_"))


def mac(algorithm, secret, content):
    return hmac.new(secret, content, algorithm)


def signatures(body):
    """The headers of each provider that signs the body."""
    now = str(int(time.time()))
    secret, text = SECRET.encode(), now.encode()
    standard = base64.b64encode(mac("sha256", key(), b"msg_1." + text + b"." + body).digest()).decode()
    return {
        "github": {"X-Hub-Signature-256": "sha256=" + mac("sha256", secret, body).hexdigest()},
        "stripe": {"Stripe-Signature": f"t={now},v1=" + mac("sha256", secret, text + b"." + body).hexdigest()},
        "slack": {
            "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": "v0=" + mac("sha256", secret, b"v0:" + text + b":" + body).hexdigest(),
        },
        "standard": {"webhook-id": "msg_1", "webhook-timestamp": now, "webhook-signature": "v1," + standard},
    }


def post(url, path, body, headers):
    """The status and body of the answer. The path goes as it is."""
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    connection.putrequest("POST", url.path + path)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    said = answer.status, answer.read().decode()
    connection.close()
    return said


def send(base):
    url = urllib.parse.urlsplit(base)
    count, wrong = 0, []

    def check(provider, path, body, headers, expected=200):
        nonlocal count
        count += 1
        said = post(url, path, body, {"X-Provider": provider, **headers})
        if said[0] != expected:
            wrong.append((provider, path, body[:40], said))

    for number, body in enumerate(BODIES):
        for provider, headers in signatures(body).items():
            for path in PATHS if number < 2 else PATHS[:3]:
                check(provider, path, body, headers)
            # The target does look: one bit more is noticed.
            check(provider, "/hook", body + b"!", headers, 403)
    # Whose package drops a question mark with nothing behind it.
    for path in [path for path in PATHS if not path.endswith("?")]:
        for form in FORMS:
            public = f"{base}{path}"
            content = public + "".join(name + value for name, value in sorted(form))
            signature = base64.b64encode(mac("sha1", SECRET.encode(), content.encode()).digest()).decode()
            body = urllib.parse.urlencode(form).encode()
            headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
            check("twilio", path, body, headers)
            check("twilio", path + "x", body, headers, 403)
    print(f"{count} webhooks, {len(wrong)} wrong")
    for case in wrong:
        print(case)
    sys.exit(bool(wrong))


def sign():
    """Prints a webhook for each provider, path and body."""

    def tell(provider, path, body, headers):
        line = {"provider": provider, "path": path, "headers": headers, "body": base64.b64encode(body).decode()}
        print(json.dumps({"now": int(time.time()), **line}))

    for number, body in enumerate(BODIES[:-1]):
        for provider, headers in signatures(body).items():
            tell(provider, PATHS[number % len(PATHS)], body, headers)
    # Whose package drops a question mark with nothing behind it.
    for path in [path for path in PATHS if not path.endswith("?")]:
        for form in FORMS:
            content = "https://a.example" + path + "".join(name + value for name, value in sorted(form))
            signature = base64.b64encode(mac("sha1", SECRET.encode(), content.encode()).digest()).decode()
            headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
            tell("twilio", path, urllib.parse.urlencode(form).encode(), headers)


def verify_lines():
    """Says of how many webhooks in the input the signature holds, and shows the others."""
    count, wrong = 0, []
    for line in sys.stdin:
        case = json.loads(line)
        headers, body = http.client.HTTPMessage(), base64.b64decode(case["body"])
        for name, value in case["headers"]:
            headers[name] = value
        count += 1
        try:
            good = verify(case["provider"], headers, body, "https://a.example" + case["path"])
        except Exception as error:
            good = repr(error)
        if good is not True:
            wrong.append((case, good))
    print(f"{count} webhooks, {len(wrong)} wrong")
    for case in wrong:
        print(case)


def verify(provider, headers, body, url):
    """Whether the provider's package takes it; raises or returns False where not."""
    import slack_sdk.signature
    import standardwebhooks
    import stripe
    import twilio.request_validator

    if provider == "twilio":
        form = urllib.parse.parse_qs(body.decode(), keep_blank_values=True, strict_parsing=bool(body))
        params = {name: values if len(values) > 1 else values[0] for name, values in form.items()}
        validator = twilio.request_validator.RequestValidator(SECRET)
        return validator.validate(url, params, headers["X-Twilio-Signature"])
    if provider == "github":
        wanted = hmac.digest(SECRET.encode(), body, hashlib.sha256).hex()
        return hmac.compare_digest("sha256=" + wanted, headers["X-Hub-Signature-256"])
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return by_bytes(provider, headers, body)
    if provider == "stripe":
        return stripe.WebhookSignature.verify_header(text, headers["Stripe-Signature"], SECRET, 300)
    if provider == "slack":
        verifier = slack_sdk.signature.SignatureVerifier(SECRET)
        return verifier.is_valid(body, headers["X-Slack-Request-Timestamp"], headers["X-Slack-Signature"])
    try:
        json.loads(text)
    except ValueError:
        return by_bytes(provider, headers, body)
    standardwebhooks.Webhook(SECRET).verify(body, dict(headers))
    return True


def by_bytes(provider, headers, body):
    """What the packages, which take text alone, would say of any bytes."""
    if provider == "stripe":
        parts = dict(part.split("=", 1) for part in headers["Stripe-Signature"].split(","))
        wanted = hmac.digest(SECRET.encode(), parts["t"].encode() + b"." + body, "sha256").hex()
        return hmac.compare_digest(wanted, parts["v1"])
    if provider == "slack":
        prefix = f"v0:{headers['X-Slack-Request-Timestamp']}:".encode()
        wanted = hmac.digest(SECRET.encode(), prefix + body, "sha256").hex()
        return hmac.compare_digest("v0=" + wanted, headers["X-Slack-Signature"])
    prefix = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
    wanted = base64.b64encode(hmac.digest(key(), prefix + body, "sha256")).decode()
    return hmac.compare_digest("v1," + wanted, headers["webhook-signature"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        url = f"{self.headers['X-Forwarded-Proto']}://{self.headers['Host']}{self.path}"
        try:
            good = verify(self.headers["X-Provider"], self.headers, body, url)
            said = url
        except Exception as error:
            good, said = False, f"{url}: {error!r}"
        said = said.encode()
        self.send_response(200 if good else 403)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    match sys.argv[1]:
        case "send":
            send(sys.argv[2])
        case "sign":
            sys.exit(sign())
        case "verify":
            sys.exit(verify_lines())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()

"""A receiver of webhooks and pushed jobs, without dependencies: verifies the signature and answers.

    IRONFORGE_WEBHOOK_SECRET=whsec_… .venv/bin/python examples/receive.py

Several secrets are separated by commas: the one of the webhook, and that of each kind that is bound to this address. It
listens on 127.0.0.1:9000, which IronForge reaches only if it runs with IRONFORGE_PUSH_ALLOW=127.0.0.0/8.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

MAX_AGE_S = 300
MAX_BODY_BYTES = 1024 * 1024
SECRETS = [secret.strip() for secret in os.environ.get("IRONFORGE_WEBHOOK_SECRET", "").split(",") if secret.strip()]
# In earnest: where the next process finds them, too.
seen: set[str] = set()


def is_signed(secret: str, message_id: str, sent_at: str, given: str, body: bytes) -> bool:
    """Tell whether a request is from IronForge and fresh."""
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > MAX_AGE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.new(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    wanted = b"v1," + base64.b64encode(made)
    return any(hmac.compare_digest(wanted, signature.encode()) for signature in given.split(" "))


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is signed, once more to what it has seen, and 401 to the rest."""

    def do_POST(self) -> None:
        """Take one request."""
        length = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(min(length, MAX_BODY_BYTES))
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        message_id, sent_at, given = (self.headers.get(name, "") for name in names)
        is_ours = any(is_signed(secret, message_id, sent_at, given, body) for secret in SECRETS)
        if is_ours and message_id not in seen:
            seen.add(message_id)
            print(body.decode(), flush=True)
        self.send_response(204 if is_ours else 401)
        self.end_headers()


if __name__ == "__main__":
    if not SECRETS:
        # With an empty key everybody could sign.
        sys.exit("receive.py: set IRONFORGE_WEBHOOK_SECRET to the secret, whsec_…, that PUT /webhook answered with")
    server = HTTPServer(("127.0.0.1", 9000), Receiver)
    print("receive.py: listening on http://127.0.0.1:9000", flush=True)
    server.serve_forever()

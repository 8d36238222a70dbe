"""The receiver of a torture run, `receiver PORT`: verifies pushed jobs and webhooks, and answers as it was asked to.

What a pushed job does is written where handlers write, each whole request to the ledger TORTURE_RECEIVED. A payload's
`answers` say how each attempt is answered, the last one for all that follow: a status, `cut` or `hang`. Webhooks have
theirs in the path: `/hooks/<namespace>/500-200`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.torture.ledger import Ledger, lines_of
from tests.torture.outside import HOOK
from tests.torture.plans import PUSHED
from tests.torture.proxy import HOST

MAX_AGE_S = 300
HANG_S = 5.0
TOO_OLD, UNSIGNED = "too old", "unsigned"
ENDINGS = {"200": "end", "429": "snooze", "410": "discard"}
_told: Counter[str] = Counter()  # webhooks by delivery
_handlers = Ledger(Path(os.environ.get("TORTURE_LEDGER", os.devnull)))
_received = Ledger(Path(os.environ.get("TORTURE_RECEIVED", os.devnull)))


@cache
def secrets() -> dict[str, str]:
    """Return the secrets of kinds and webhooks, by namespace."""
    found: dict[str, str] = json.loads(Path(os.environ["TORTURE_SECRETS"]).read_text(encoding="utf-8"))
    return found


def why_refused(secret: str, headers: Mapping[str, str], body: bytes) -> str | None:
    """Return what is wrong with a request, None when it is signed and fresh."""
    sent_at = headers.get("webhook-timestamp", "")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.new(key, f"{headers.get('webhook-id')}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    wanted = b"v1," + base64.b64encode(made)
    given = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(wanted, signature.encode()) for signature in given):
        return UNSIGNED
    return TOO_OLD if abs(time.time() - int(sent_at)) > MAX_AGE_S else None


class Post(BaseHTTPRequestHandler):
    """One request, answered in one piece."""

    wbufsize = -1

    def do_POST(self) -> None:
        """Take it; one that did not come whole is dropped without an answer."""
        length = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(length)
        if not length or len(body) < length:
            return
        is_job = self.path == "/jobs"
        ns = self.headers["ironforge-namespace"] if is_job else self.path.split("/")[2]
        headers = {name.lower(): text for name, text in self.headers.items()}
        why = why_refused(secrets()[f"{ns}/{PUSHED if is_job else HOOK}"], headers, body)
        event = "refused" if why else "pushed" if is_job else "told"
        names = ("webhook-id", "ironforge-job-id", "ironforge-attempt", "ironforge-lease-token", "ironforge-kind")
        facts = {name.rpartition("ironforge-")[2].replace("-", "_"): self.headers.get(name) for name in names}
        _received.write(event, **facts, ns=ns, is_job=is_job, why=why, body=json.loads(body) if not why else None)
        if why:
            self._answer("401")
        elif is_job:
            self._do(ns, json.loads(body))
        else:
            _told[self.headers["webhook-id"]] += 1
            answers = self.path.split("/")[3].split("-")
            self._answer(answers[min(_told[self.headers["webhook-id"]], len(answers)) - 1])

    def _do(self, ns: str, payload: dict[str, Any]) -> None:
        attempt, token = int(self.headers["ironforge-attempt"]), self.headers["ironforge-lease-token"]
        facts = {"cid": payload["cid"], "job": self.headers["ironforge-job-id"], "ns": ns, "via": "push"}
        _handlers.write("start", **facts, attempt=attempt, token=token)
        threading.Event().wait(payload["ms"] / 1000)
        answers = payload.get("answers", ["200"])
        answer = answers[min(attempt, len(answers)) - 1]
        if answer == "hang":
            self._wait_for_the_end()
        _handlers.write(ENDINGS.get(answer, "fail"), **facts, attempt=attempt, token=token)
        self._answer(answer, {"cid": payload["cid"], "attempt": attempt, "made_by": token})

    def _wait_for_the_end(self) -> None:
        self.connection.settimeout(HANG_S)
        with suppress(OSError):
            self.connection.recv(1)

    def _answer(self, answer: str, result: object = None) -> None:
        if answer in ("hang", "cut"):
            self.wfile.write(b"HTTP/1." if answer == "cut" else b"")
            return
        body = json.dumps(result).encode()
        self.send_response(int(answer))
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if answer == "429":
            self.send_header("retry-after", "1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: all that counts is in the ledgers."""


class Receiver(ThreadingHTTPServer):
    """A thread a request."""

    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say what went wrong, unless it is the connection."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # as it came


def main(port: int) -> None:
    """Receive until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Those of earlier lives: who answers the first with 500 again and again is never done.
    _told.update(line["webhook_id"] for line in lines_of(Path(os.environ["TORTURE_RECEIVED"])) if not line["is_job"])
    with Receiver((HOST, port), Post) as receiver:
        started = {"timestamp": "", "level": "INFO", "target": "torture", "event": "receiver.started"}
        sys.stdout.write(json.dumps(started) + "\n")
        sys.stdout.flush()
        receiver.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))

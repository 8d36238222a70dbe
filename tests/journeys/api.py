"""The HTTP interface as a program uses it that knows only its contract."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

FINAL = ("completed", "dead_letter", "cancelled")
LONGEST_WAIT_S = 20

Body = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the server said; `body` is {} when it sent none."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: Body


class Api:
    """Speaks to the server at one port of this machine, a connection a request."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: object = None, *, timeout_s: float = 30.0, **headers: str) -> Answer:
        """Send one request; a header `idempotency_key` is sent as `Idempotency-Key`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, cast("Body", json.loads(text)) if text else {})

    def text(self, path: str) -> str:
        """Return what stands at an address that is no JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200
            return answer.read().decode()
        finally:
            connection.close()

    def submit(self, kind: str, payload: object = None, **fields: object) -> str:
        """Submit a job that must be accepted; return its id."""
        answer = self.ask("POST", "/jobs", {"kind": kind, "payload": payload, **fields})
        assert answer.status == 202, answer
        return str(answer.body["id"])

    def job(self, job_id: str, *, wait_s: int = 0) -> Body:
        """Return a job that must be there, after waiting for its end for up to `wait_s`."""
        answer = self.ask("GET", f"/jobs/{job_id}" + (f"?wait={wait_s}" if wait_s else ""))
        assert answer.status == 200, answer.body
        return answer.body

    def final(self, job_id: str, *, within_s: int = LONGEST_WAIT_S) -> Body:
        """Return a job in its final state; fails when it does not get there in time."""
        found = self.job(job_id, wait_s=within_s)
        assert found["status"] in FINAL, found
        return found

    def completed(self, job_id: str, *, within_s: int = LONGEST_WAIT_S) -> Body:
        """Return a job that must complete."""
        found = self.final(job_id, within_s=within_s)
        assert found["status"] == "completed", found
        return found

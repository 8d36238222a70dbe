"""The HTTP interface as a program uses it that knows only its contract."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tests.waiting import WAIT_S, until

FINAL = ("completed", "dead_letter", "cancelled")
# Of one request; and how long a client waits in all.
LONGEST_WAIT_S, PATIENCE_S = 20, 60
# What a store that stands still for a second has servers say; it is to be asked again, as the answer says too.
BUSY = ("overloaded", "store_unavailable")

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

    def ask(self, method: str, path: str, body: object = None, *, timeout_s: float = WAIT_S, **headers: str) -> Answer:
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

    def told(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a request, and again while the store is too busy to answer it in time."""
        answers: list[Answer] = []

        def is_answered() -> bool:
            answers.append(self.ask(method, path, body, **headers))
            return answers[-1].status != 503 or answers[-1].body.get("code") not in BUSY

        until(is_answered)
        return answers[-1]

    def text(self, path: str) -> str:
        """Return what stands at an address that is no JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200
            return answer.read().decode()
        finally:
            connection.close()

    def submit(self, kind: str, payload: object = None, **fields: object) -> str:
        """Submit a job that must be accepted; return its id."""
        answer = self.told("POST", "/jobs", {"kind": kind, "payload": payload, **fields})
        assert answer.status == 202, answer
        return str(answer.body["id"])

    def submit_all(self, jobs: list[dict[str, object]], *, key: str, **headers: str) -> list[str]:
        """Submit jobs that must be accepted, those again under their key that a busy store had no time for."""
        while True:
            items = self.told("POST", "/jobs/bulk", jobs, idempotency_key=key, **headers).body["items"]
            if all("id" in item for item in items):
                return [str(item["id"]) for item in items]
            assert {item["problem"]["code"] for item in items if "id" not in item} <= set(BUSY), items

    def job(self, job_id: str, *, wait_s: int = 0) -> Body:
        """Return a job that must be there, after waiting for its end for up to `wait_s`."""
        answer = self.told("GET", f"/jobs/{job_id}" + (f"?wait={wait_s}" if wait_s else ""))
        assert answer.status == 200, answer.body
        return answer.body

    def final(self, job_id: str) -> Body:
        """Return a job in its final state; fails when it does not get there in time."""
        give_up_at = time.monotonic() + PATIENCE_S
        while (found := self.job(job_id, wait_s=LONGEST_WAIT_S))["status"] not in FINAL:
            assert time.monotonic() < give_up_at, found
        return found

    def completed(self, job_id: str) -> Body:
        """Return a job that must complete."""
        found = self.final(job_id)
        assert found["status"] == "completed", found
        return found

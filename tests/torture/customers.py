"""The clients of a run: they ask what the plan says when it says so, and write down what they were answered."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.journeys.api import Answer, Api
from tests.torture.cast import Cast
from tests.torture.ledger import Ledger, now_ms
from tests.torture.plans import MAKING, JobPlan, Step
from tests.torture.schedule import Schedule
from tests.torture.work import OPERATIONS

PATIENCE_S = 4.0
AT_ONCE = 16
# Whoever has a key may ask again until there is an answer.
TRIES_WITH_KEY = 4
PAUSE_S = 0.5
SAY_EVERY_MS = 10_000
STEERS = frozenset({"workflow_cancel", "workflow_retry"})
ABOUT = STEERS | {"cancel", "retry"}
# 503 of these codes: the store was not asked, or said no.
_NOT_STORED = ("queue_full", "overloaded", "storage_full")


class Customers:
    """Clients of both namespaces, at most so many requests at once. Each request is three lines at most in the ledger:
    `try` before it, then `ok`, `no` (certainly nothing was done) or `unknown`."""

    def __init__(self, cast: Cast, path: Path) -> None:
        self._api = Api(cast.http.port)
        self._keys = cast.keys
        self._hooks = f"{cast.receiver_url}/hooks"
        self._ledger = Ledger(path)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="customer")
        self._ids: dict[str, str] = {}  # cid → id
        self._due_ms: dict[str, float] = {}  # cid → Unix ms: a repeated request must be the same text
        self._lock = threading.Lock()
        self._pause = threading.Event()

    def follow(self, schedule: Schedule, began: float, say: Callable[[str], None]) -> None:
        """Ask everything of the plan at its time after `began` (monotonic s); return when all is answered."""
        said_ms = 0
        for number, step in enumerate(schedule.steps):
            if step.at_ms - said_ms > SAY_EVERY_MS:
                said_ms = step.at_ms
                say(f"{said_ms / 1000:.0f} of {schedule.seconds:.0f} s, {number} requests, {len(self._ids)} accepted")
            self._pause.wait(max(0.0, began + step.at_ms / 1000 - time.monotonic()))
            self._pool.submit(self.ask, step)
        self._pool.shutdown()

    def ask(self, step: Step) -> Answer | None:
        """Ask once, or with a key until there is an answer; None if there was none."""
        request = self._request(step)
        if request is None:
            return None
        for _ in range(TRIES_WITH_KEY if step.key else 1):
            answer = self._try(step, *request)
            if answer is not None and answer.status < 500:
                break
            self._pause.wait(PAUSE_S)
        return answer

    def _request(self, step: Step) -> tuple[str, str, Any] | None:
        """Return method, path and body; None when the job or graph that is meant was not accepted yet."""
        if step.verb in MAKING:
            return self._making(step)
        if step.verb in ABOUT:
            found = self._ids.get(step.of)
            place, verb = ("workflows", step.verb.partition("_")[2]) if step.verb in STEERS else ("jobs", step.verb)
            return None if found is None else ("POST", f"/{place}/{found}/{verb}", None)
        if step.verb in OPERATIONS:
            return "POST", "/bulk-operations", OPERATIONS[step.verb]
        body = {"confirm": step.queue} if step.verb == "purge" else None
        return "POST", f"/queues/{step.queue}/{step.verb}", body

    def _making(self, step: Step) -> tuple[str, str, Any]:
        if step.graph is not None:
            webhook = {"webhook": f"{self._hooks}/{step.ns}/200"} if step.graph.is_told else {}
            return "POST", "/workflows", step.graph.body() | webhook
        bodies = [self._body(job, step.ns) for job in step.jobs]
        return ("POST", "/jobs", bodies[0]) if step.verb == "submit" else ("POST", "/jobs/bulk", bodies)

    def _body(self, job: JobPlan, ns: str) -> dict[str, Any]:
        body = job.body()
        if job.webhook:
            body["webhook"] = f"{self._hooks}/{ns}/{'-'.join(job.webhook)}"
        if job.delay_ms:
            with self._lock:
                due_ms = self._due_ms.setdefault(job.cid, float(int(now_ms()) + job.delay_ms))
            body["scheduled_for"] = datetime.fromtimestamp(due_ms / 1000, UTC).isoformat()
        return body

    def _try(self, step: Step, method: str, path: str, body: Any) -> Answer | None:
        facts = {"verb": step.verb, "ns": step.ns, "cids": [job.cid for job in step.jobs], "key": step.key}
        facts |= {"of": self._ids.get(step.of) if step.verb in ABOUT else None, "queue": step.queue}
        facts["due_ms"] = self._due_ms.get(step.of) if step.verb == "submit" else None
        self._ledger.write("try", **facts)
        headers = {"authorization": f"Bearer {self._keys[step.ns]}"}
        if step.key:
            headers["idempotency_key"] = step.key
        began, began_ms = time.monotonic(), now_ms()
        try:
            answer = self._api.ask(method, path, body, timeout_s=PATIENCE_S, **headers)
        except (OSError, http.client.HTTPException, ValueError) as lost:
            self._ledger.write("unknown", **facts, why=type(lost).__name__, sent_ms=began_ms)
            return None
        took_ms = (time.monotonic() - began) * 1000
        ids = self._learn(step, answer)
        code = answer.body.get("code")
        facts["workflow"] = answer.body.get("id") if step.verb in {"workflow", *STEERS} else None
        told = {"http": answer.status, "code": code, "retry_after": answer.headers.get("retry-after"), "ids": ids}
        told |= {"status": answer.body.get("status"), "took_ms": took_ms, "sent_ms": began_ms}
        told |= {"problem": answer.body} if answer.status >= 500 else {}
        self._ledger.write(_outcome(answer, code), **facts, **told)
        return answer

    def _learn(self, step: Step, answer: Answer) -> list[str | None]:
        """Remember the ids that were given; one a job of the request, None for one that was refused."""
        if answer.status not in (200, 202) or step.verb not in MAKING:
            return []
        if step.graph is not None:
            made = {found["name"]: found["job_id"] for found in answer.body["steps"]}
            ids = [made[node.name] for node in step.graph.nodes]
            self._ids[step.graph.gid] = answer.body["id"]
        else:
            ids = [item.get("id") for item in (answer.body["items"] if step.verb == "bulk" else [answer.body])]
        self._ids.update({job.cid: job_id for job, job_id in zip(step.jobs, ids, strict=True) if job_id})
        return ids


def _outcome(answer: Answer, code: str | None) -> str:
    if answer.status < 300:
        return "ok"
    return "no" if answer.status < 500 or code in _NOT_STORED else "unknown"

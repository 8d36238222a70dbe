"""Clients that submit without a pause, and what each was told, written outside the store."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.journeys.api import Answer, Api

CLIENTS = 4
AFTER_A_REFUSAL_S = 0.05
# A repetition of what had been stored all the same is answered 200.
PROMISED = (200, 202)
WAIT_S = 60.0


@dataclass(frozen=True)
class Told:
    """One submission's answer; times are of the monotonic clock. A broken connection has status 0."""

    key: str
    asked_at: float
    told_at: float
    status: int
    code: str = ""
    retry_after: str = ""
    is_problem: bool = False
    job_id: str = ""

    @property
    def took_s(self) -> float:
        """Return how long the client waited."""
        return self.told_at - self.asked_at


class Ledger:
    """Submits in threads until told to stop; each job has an idempotency key of its own."""

    def __init__(self, api: Api, path: Path) -> None:
        self.entries: list[Told] = []
        self._api = api
        self._lock = threading.Condition()
        self._file = path.open("w")
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def acknowledged(self) -> list[Told]:
        """Return the answers that promised a job, in their order."""
        return [told for told in list(self.entries) if told.status in PROMISED]

    def refused(self) -> list[Told]:
        """Return the answers that promised none."""
        return [told for told in list(self.entries) if told.status not in PROMISED]

    def wait_for(self, more: int, *, since: float = 0.0) -> None:
        """Wait until so many jobs that were asked for after `since` are promised."""
        with self._lock:
            known = len(self.entries)

            def is_enough() -> bool:
                new = self.entries[known:]
                return sum(told.status in PROMISED and told.asked_at >= since for told in new) >= more

            assert self._lock.wait_for(is_enough, WAIT_S), self.refused()[-3:]

    def answered(self, *, since: float) -> int:
        """Return how many answers there are, of any kind, to what was asked after `since`."""
        return sum(told.asked_at >= since for told in list(self.entries))

    def stop(self) -> None:
        """Stop and wait for the answers under way."""
        self._over.set()
        for thread in self._threads:
            thread.join(WAIT_S)
        self._file.close()

    def repeat_all(self, refused: list[Told]) -> dict[str, str]:
        """Submit again what was refused, each under its own key, until it is promised; return job id by key."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            return dict(pool.map(self._repeat, [told.key for told in refused]))

    def _repeat(self, key: str) -> tuple[str, str]:
        give_up_at = time.monotonic() + WAIT_S
        pause = threading.Event()
        while (told := self._ask(key)).status not in PROMISED:
            assert time.monotonic() < give_up_at, told
            pause.wait(AFTER_A_REFUSAL_S)
        return key, told.job_id

    def _run(self) -> None:
        while not self._over.is_set():
            told = self._ask(uuid.uuid4().hex)
            with self._lock:
                self.entries.append(told)
                self._file.write(json.dumps(asdict(told)) + "\n")
                self._lock.notify_all()
            if told.status not in PROMISED:
                self._over.wait(AFTER_A_REFUSAL_S)

    def _ask(self, key: str) -> Told:
        body = {"kind": "demo.echo", "payload": {"key": key}}
        asked_at = time.monotonic()
        try:
            answer = self._api.ask("POST", "/jobs", body, idempotency_key=key)
        except (OSError, http.client.HTTPException) as error:
            return Told(key, asked_at, time.monotonic(), 0, repr(error))
        return _told(key, asked_at, answer)


def _told(key: str, asked_at: float, answer: Answer) -> Told:
    return Told(
        key=key,
        asked_at=asked_at,
        told_at=time.monotonic(),
        status=answer.status,
        code=str(answer.body.get("code", "")),
        retry_after=answer.headers.get("retry-after", ""),
        is_problem=answer.headers.get("content-type", "").startswith("application/problem+json"),
        job_id=str(answer.body.get("id", "")),
    )

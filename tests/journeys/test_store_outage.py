"""The store dies under load: what was accepted completes, and what could not be accepted was told so at once."""

from __future__ import annotations

import http.client
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.journeys.api import BUSY, Answer, Api
from tests.journeys.installation import Installation, installation
from tests.waiting import WAIT_S, until

pytestmark = pytest.mark.journey


@dataclass
class Load:
    """Submits job after job in threads until told to stop, and remembers every answer; `pace_s` lies between two."""

    api: Api
    queue: str = "main"
    pace_s: float = 0.0
    accepted: list[str] = field(default_factory=list)
    refused: list[tuple[float, Answer]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Condition()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def wait_for_accepted(self, more: int) -> None:
        """Wait until so many more jobs are accepted."""
        with self._lock:
            goal = len(self.accepted) + more
            assert self._lock.wait_for(lambda: len(self.accepted) >= goal, timeout=WAIT_S), self.broken[-3:]

    def stop(self) -> None:
        """Stop and wait for the answers under way."""
        self._over.set()
        for thread in self._threads:
            thread.join(WAIT_S)

    def _run(self) -> None:
        body = {"kind": "demo.sleep", "payload": {"ms": 20}, "queue": self.queue}
        while not self._over.wait(self.pace_s):
            asked_at = time.monotonic()
            try:
                answer = self.api.ask("POST", "/jobs", body)
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(repr(error))
                continue
            self._take(answer, time.monotonic() - asked_at)

    def _take(self, answer: Answer, took_s: float) -> None:
        with self._lock:
            if answer.status == 202:
                self.accepted.append(str(answer.body["id"]))
            else:
                self.refused.append((took_s, answer))
            self._lock.notify_all()


def test_nothing_accepted_is_lost_when_the_store_is_killed_twice_under_load(data_dir: Path) -> None:
    with installation(data_dir) as running:
        load = Load(running.api)
        try:
            for _ in range(2):
                load.wait_for_accepted(40)
                refused = len(load.refused)
                _kill_store(running, lambda: len(load.refused) > refused)  # noqa: B023
                load.wait_for_accepted(40)
        finally:
            load.stop()
        assert load.broken == []
        # On a busy machine the best counts: the bound is one of design.
        assert min(took_s for took_s, _ in load.refused) < 2.0
        assert "store_unavailable" in {answer.body["code"] for _, answer in load.refused}
        for _, answer in load.refused:
            assert (answer.status, answer.body["retryable"]) == (503, True)
            assert answer.body["code"] in BUSY
            assert int(answer.headers["retry-after"]) >= 1
        jobs = [running.api.completed(job_id) for job_id in load.accepted]
        assert len(jobs) == len(set(load.accepted))


def test_waiting_reading_and_health_live_through_an_outage(data_dir: Path) -> None:
    with installation(data_dir) as running:
        job_id = running.api.submit("demo.sleep", {"ms": 3_000})
        running.log.told("job.started", job_id=job_id)
        _kill_store(running)
        # Its worker held the lease all the time: the one attempt goes on and counts.
        job = running.api.completed(job_id)
        assert [attempt["outcome"] for attempt in job["attempts"]] == ["completed"]
        assert running.api.ask("GET", "/health").status == 200


def _kill_store(running: Installation, is_noticed: Callable[[], bool] = lambda: True) -> None:
    """Kill the store, leave it away until that is noticed, and wait until another runs."""
    running.log.send(signal.SIGSTOP)  # of the supervisor, which would start another at once
    try:
        killed = running.kill("store")
        until(is_noticed)
    finally:
        running.log.send(signal.SIGCONT)
    running.log.wait_for("store.started", where=lambda entry: entry.get("pid") != killed)

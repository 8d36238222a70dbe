"""A loop of a worker hangs in a call that nothing ends: the watchdog says so and gives it new connections."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import TypeVar

import pytest

from jobs import wiring
from jobs.backends.call import Call
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.domain.status import Status
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import ended, working
from workers.registry import Registry

T = TypeVar("T")


class Hanging:
    """The real runner; while `hung` names its loop a call waits until somebody closes the connection."""

    hung: set[str] = set()

    def __init__(self, name: str, runner: SyncRunner) -> None:
        self._name, self._runner = name, runner
        self._is_closed = threading.Event()

    def run(self, call: Call[T]) -> T:
        return self.run_many([call])[0]

    def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        if self._name in self.hung:
            self.hung.remove(self._name)
            assert self._is_closed.wait(20)
            raise BackendUnavailable("closed")
        return self._runner.run_many(calls)

    def close(self) -> None:
        self._is_closed.set()
        self._runner.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the wrapper between the loops and the store, and let them be missed soon."""
    connect = wiring.new_runner
    monkeypatch.setattr(wiring, "new_runner", lambda name: Hanging(name, connect(name)))
    # Longer than a loop rests after a failure, which would else be told as another standstill.
    monkeypatch.setattr("workers.loop_thread.LEAST_STALL_S", 2.0)
    monkeypatch.setattr("workers.process.LEAST_STALL_S", 2.0)
    monkeypatch.setattr("workers.service.INTERVAL_S", 0.2)
    monkeypatch.setattr("django.conf.settings.IRONFORGE_LEASE_MS", 1_000)
    wiring.conf.cache_clear()
    yield
    Hanging.hung.clear()
    monkeypatch.undo()
    wiring.conf.cache_clear()


@pytest.mark.parametrize("name", ["heartbeat", "upkeep"])
def test_a_loop_without_progress_is_told_once_and_works_on(
    bench: Bench, registry: Registry, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    with caplog.at_level(logging.INFO, "ironforge.worker"), working(bench, registry) as worker:
        ended(bench, bench.submit("echo"), Status.COMPLETED)
        # A busy machine may hold up any loop: only this one, and only while it hangs, is judged.
        caplog.clear()
        Hanging.hung.add(name)
        until(lambda: stalls(caplog, name) != [])
        before = worker.last_ok()[name]
        until(lambda: worker.last_ok()[name] > before)
        told = stalls(caplog, name)
        # Jobs were served all the time.
        ended(bench, bench.submit("echo"), Status.COMPLETED)
    assert len(told) == 1


def stalls(caplog: pytest.LogCaptureFixture, name: str) -> list[logging.LogRecord]:
    """Return what was said of a loop that stands still."""
    return [record for record in caplog.records if record.msg == "loop.stalled" and name in str(vars(record))]

"""A real worker on a real store, for the time of one test."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.test import override_settings

from jobs import store_owner, wiring
from jobs.domain.status import Status
from jobs.integrations.modes import StoreMode, entered
from jobs.services.admission import admission
from workers.discovery import discover
from workers.options import parse_options
from workers.process import WorkerProcess

_PAUSE_S = 0.01
_BUSY = (Status.QUEUED, Status.RUNNING)


class TrialWorker:
    """Runs the jobs of a namespace of its own, which is that of all jobs that name none."""

    def __init__(self) -> None:
        self.namespace = f"test-{secrets.token_hex(8)}"

    def run_until_empty(self, *, timeout_s: float = 30.0) -> None:
        """Run a worker on all queues until nothing is queued or running; it does not wait for delays and retries.

        Raises TimeoutError.
        """
        queues = ",".join(name for name, _ in self._queues())
        if not queues:
            return
        worker = WorkerProcess(parse_options(self.namespace, queues, 10, 5.0, 1), discover())
        thread = threading.Thread(target=worker.run, kwargs={"has_signals": False}, name="ironforge-trial-worker")
        thread.start()
        try:
            self._wait(time.monotonic() + timeout_s)
        finally:
            worker.ask_to_stop_from_outside()
            thread.join()

    def _wait(self, give_up_at: float) -> None:
        while busy := [name for name, jobs in self._queues() if jobs]:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"These queues are not empty: {', '.join(busy)}")
            time.sleep(_PAUSE_S)

    def _queues(self) -> list[tuple[str, int]]:
        """Return each queue with its jobs that are queued or run."""
        # Not by the service of queues: it needs models, and this is loaded before Django is.
        known = wiring.runner().run(wiring.backend().inspector(self.namespace).overview(0)).queues
        return [(stats.name, sum(stats.total(status) for status in _BUSY)) for stats in known]


@contextmanager
def own_store(data_dir: Path) -> Iterator[Path]:
    """Run an embedded store in a directory until the block ends."""
    with override_settings(IRONFORGE_DATA_DIR=data_dir, IRONFORGE_REDIS_URL=""):
        store = store_owner.embedded_store(lambda event, fields: None)
    assert store is not None  # noqa: S101 (it is embedded, by the settings above)
    store.acquire()
    store.start()
    try:
        yield data_dir
    finally:
        store.stop()


@contextmanager
def trial_worker(data_dir: Path) -> Iterator[TrialWorker]:
    """Let all of this process use the store of that directory, in a new namespace, until the block ends."""
    worker = TrialWorker()
    try:
        with override_settings(IRONFORGE_DATA_DIR=data_dir, IRONFORGE_REDIS_URL="", IRONFORGE_SHARDS=1):
            _forget_store()
            with entered(StoreMode(worker.namespace)):
                yield worker
    finally:
        _forget_store()


def _forget_store() -> None:
    """Drop what was built for the store that the settings named before."""
    for made in (wiring.backend, wiring.runner, admission):
        made.cache_clear()

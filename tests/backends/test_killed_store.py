"""The store is killed in the middle of writing: what it had answered is there when it is back."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.backends.base import Submission
from jobs.backends.redis.connection import connect
from jobs.backends.redis.embedded.server import EmbeddedStore
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import JobSpec
from tests.backends.embedded import Events, end_server
from tests.conftest import FIGURE
from tests.consistency import faults_of
from tests.stores import PATIENCE_S, Bench
from tests.waiting import until

CLIENTS = 6
SMALL, LARGE = b'{"n":1}', b'"' + b"x" * 60_000 + b'"'


class Load:
    """Submits jobs in threads until the store is gone, and remembers those that it acknowledged."""

    def __init__(self, bench: Bench) -> None:
        self.acknowledged: list[str] = []
        self._bench = bench
        self._ids = IdentityMaker()
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._ends = [self._pool.submit(self._run, payload) for payload in [SMALL, LARGE] * (CLIENTS // 2)]

    def wait_for(self, number: int) -> None:
        until(lambda: len(self.acknowledged) >= number)

    def end(self) -> None:
        for end in self._ends:
            end.result(60)
        self._pool.shutdown()

    def _run(self, payload: bytes) -> None:
        client = connect(self._bench.url, "load", PATIENCE_S)
        run = SyncRunner(client, has_test_clock=True).run
        size = 1 if len(payload) > 100 else 3
        try:
            while True:
                batch = [Submission(self._ids.make(), JobSpec(kind="demo.echo", payload=payload)) for _ in range(size)]
                answers = run(self._bench.producer.submit(batch))
                self.acknowledged += [answer.job_id for answer in answers]
        except BackendUnavailable:
            return
        finally:
            client.close()


@contextmanager
def store_of(data_dir: Path, durability: str) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(data_dir, durability=durability, log=Events())  # type: ignore[arg-type]
    store.acquire()
    store.start()
    try:
        yield store
    finally:
        store.stop()


def lost_in_a_kill(store: EmbeddedStore, bench: Bench, jobs: int) -> int:
    """Kill the store when it has acknowledged so many jobs, start it again, and return how many of them are gone."""
    load = Load(bench)
    load.wait_for(jobs)
    end_server(store, signal.SIGKILL)
    load.end()
    store.restart()
    prefix = bench.keys.named("job_prefix")
    pipeline = bench.client.pipeline(transaction=False)
    for job_id in load.acknowledged:
        pipeline.exists(prefix + job_id)
    found = pipeline.execute()
    assert faults_of(bench.client, bench.keys) == []
    for key in bench.client.scan_iter(f"{Keys(bench.namespace).named('pages').rpartition(':')[0]}:*", count=1000):
        bench.client.unlink(key)
    return found.count(0)


@pytest.mark.parametrize("kills", [2, pytest.param(30, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
def test_with_a_sync_for_each_answer_a_killed_store_loses_nothing(data_dir: Path, kills: int) -> None:
    with store_of(data_dir, "always") as store, Bench(url=EmbeddedStore.locate(data_dir).url) as bench:
        assert [lost_in_a_kill(store, bench, 150) for _ in range(kills)] == [0] * kills


@pytest.mark.long
@pytest.mark.timeout(600)
def test_with_a_sync_each_second_what_a_kill_loses_is_counted_and_told(
    data_dir: Path, record_property: Callable[[str, object], None]
) -> None:
    lost = []
    with store_of(data_dir, "everysec") as store:
        for _ in range(30):
            # A namespace for each kill: what is lost may begin with the cleaning after the last one.
            with Bench(url=EmbeddedStore.locate(data_dir).url) as bench:
                lost.append(lost_in_a_kill(store, bench, 600))
    told = f"everysec: {sum(lost)} acknowledged jobs lost in 30 kills of the store, at most {max(lost)} in one"
    record_property(FIGURE, told)

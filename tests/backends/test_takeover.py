"""The line to the replica is dead for a while, then the master dies and the replica takes over: what was answered?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from jobs.backends.base import Submission
from jobs.backends.call import Call
from jobs.backends.redis.connection import connect
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import JobSpec
from tests.backends.servers import HOST, Server
from tests.conftest import FIGURE
from tests.consistency import faults_of
from tests.stores import PATIENCE_S, Bench
from tests.torture.proxy import DOWN, UP, Proxies
from tests.waiting import until

CLIENTS, BEFORE, BEHIND = 4, 100, 200


class Load:
    """Submits in threads until somebody is refused who may end, and remembers what was acknowledged, in order."""

    def __init__(self, bench: Bench, replicas: int) -> None:
        self.acknowledged: list[str] = []
        self.codes: set[str] = set()
        self.may_end = threading.Event()
        self._bench, self._replicas = bench, replicas
        self._ids = IdentityMaker()
        self._pool = ThreadPoolExecutor(CLIENTS)
        self.ends = [self._pool.submit(self._run) for _ in range(CLIENTS)]

    def close(self) -> None:
        for end in self.ends:
            end.result(2 * PATIENCE_S)
        self._pool.shutdown()

    def _run(self) -> None:
        client = connect(self._bench.url, "load", PATIENCE_S)
        run = SyncRunner(client, has_test_clock=True, replicas=self._replicas).run
        try:
            while self._submit(run):
                pass
        finally:
            client.close()

    def _submit(self, run: Callable[[Call[Any]], Any]) -> bool:
        made = Submission(self._ids.make(), JobSpec(kind="demo.echo"))
        try:
            run(self._bench.producer.submit([made]))
        except BackendUnavailable as refused:
            self.codes.add(refused.code)
            return not self.may_end.is_set()  # a replica that is slow is not yet one that was cut off
        self.acknowledged.append(made.job_id)
        return True


def until_replicated(bench: Bench) -> None:
    """Return when the replica has all that the master had when this was called."""
    bench.client.set(f"{bench.namespace}:mark", "1")  # a client waits for its own last write
    bench.client.delete(f"{bench.namespace}:mark")
    until(lambda: bench.client.wait(1, 1_000) == 1)


def take_over(folder: Path, replicas: int) -> tuple[Load, int, set[str]]:
    """Cut the replica off under load, kill the master; return the load, what it had when cut, and what is lost."""
    with Proxies() as proxies, Server(folder / "master", "--repl-diskless-sync-delay", "0") as master:
        way = proxies.open("replication", master.port)
        with (
            Server(folder / "replica", "--replicaof", HOST, str(way.port)) as replica,
            Bench(url=master.url, is_checked=False) as bench,
        ):
            replica.told("sync: Finished with success")
            until_replicated(bench)  # it counts from its first confirmation on, somewhat after the sync
            load = Load(bench, replicas)
            until(lambda: len(load.acknowledged) >= BEFORE)
            sure = len(load.acknowledged)
            until_replicated(bench)
            way.hold(UP | DOWN)
            cut = len(load.acknowledged)
            if replicas:
                load.may_end.set()
                until(lambda: all(end.done() for end in load.ends))
            else:
                until(lambda: len(load.acknowledged) >= cut + BEHIND)
            load.may_end.set()
            master.process.kill()
            load.close()
            with replica.client() as heir:
                heir.replicaof("NO", "ONE")
                prefix = Keys(bench.namespace).named("job_prefix")
                lost = {job_id for job_id in load.acknowledged if not heir.exists(prefix + job_id)}
                assert faults_of(heir, bench.keys) == []
            bench.client = connect(replica.url, "bench", PATIENCE_S)
            return load, sure, lost


@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.long)])
def test_what_was_answered_behind_a_replica_survives_a_takeover_after_a_cut(tmp_path: Path, times: int) -> None:
    for number in range(times):
        load, _, lost = take_over(tmp_path / str(number), replicas=1)
        assert load.codes <= {"not_durable", "store_unavailable"}
        assert lost == set()


def test_without_waiting_only_what_came_behind_the_cut_is_lost(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    load, sure, lost = take_over(tmp_path, replicas=0)
    assert lost <= set(load.acknowledged[sure:])
    # Each client may have had one job stored before the cut that it counted behind it.
    assert len(lost) >= BEHIND - CLIENTS
    told = f"no wait for a replica: {len(lost)} of {len(load.acknowledged)} acknowledged jobs lost in a takeover"
    record_property(FIGURE, told)

"""A Cluster of three masters changes under load: a slot moves to another node, and a master dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from redis.crc import key_slot

from jobs.backends.base import Submission
from jobs.backends.redis.connection import connect
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import JobSpec
from tests.backends.clusters import SLOTS, Cluster, move_slot
from tests.backends.servers import HOST, Server
from tests.stores import Bench
from tests.waiting import until

REFUSED_WITHIN_S = 2.0


@pytest.fixture
def masters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Return three masters that know each other and share all slots."""
    more = ("--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no")
    with Cluster(tmp_path_factory.mktemp("cluster"), *more) as cluster:
        yield cluster.masters


def slot_of(bench: Bench) -> int:
    return key_slot(bench.keys.named("pages").encode())


def owner_of(bench: Bench, masters: list[Server]) -> int:
    """Return the number of the master that had the namespace's slot at the start."""
    return next(number for number in range(3) if slot_of(bench) <= SLOTS * (number + 1) // 3 - 1)


class Load:
    """Submits job after job in a thread, whatever is answered, and remembers what was acknowledged and refused."""

    def __init__(self, bench: Bench) -> None:
        self.acknowledged: list[str] = []
        self.refused_s: list[float] = []
        self._bench = bench
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def more(self, number: int) -> None:
        goal = len(self.acknowledged) + number
        until(lambda: len(self.acknowledged) >= goal or not self._thread.is_alive())
        assert self._thread.is_alive()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        ids, client = IdentityMaker(), connect(self._bench.url, "load")
        run = SyncRunner(client, has_test_clock=True).run
        while not self._is_over.is_set():
            made = Submission(ids.make(), JobSpec(kind="demo.echo"))
            began = time.monotonic()
            try:
                run(self._bench.producer.submit([made]))
                self.acknowledged.append(made.job_id)
            except BackendUnavailable:
                self.refused_s.append(time.monotonic() - began)
        client.close()


def test_a_slot_moves_under_load_and_every_acknowledged_job_with_it(masters: list[Server]) -> None:
    with Bench(url=f"redis+cluster://{HOST}:{masters[0].port}") as bench:
        number = owner_of(bench, masters)
        load = Load(bench)
        try:
            load.more(100)
            move_slot(slot_of(bench), masters[number], masters[(number + 1) % 3])
            load.more(100)
        finally:
            load.stop()
        taken = [lease.job.id for _ in range(1 + len(load.acknowledged) // 200) for lease in bench.claim(200).leases]
        assert set(load.acknowledged) <= set(taken)
        assert len(taken) == len(set(taken))


def test_a_master_that_dies_is_told_in_time_and_the_others_go_on(masters: list[Server]) -> None:
    url = f"redis+cluster://{HOST}:{masters[0].port}"
    with ExitStack() as stack:
        benches = [Bench(url=url) for _ in range(12)]
        for bench in benches:
            stack.callback(bench.client.close)
        dead = owner_of(benches[0], masters)
        living = next(bench for bench in benches if owner_of(bench, masters) != dead)
        loads = [Load(benches[0]), Load(living)]
        try:
            for load in loads:
                load.more(20)
            masters[dead].process.kill()
            until(lambda: len(loads[0].refused_s) >= 5)
            loads[1].more(20)
        finally:
            for load in loads:
                load.stop()
        assert min(loads[0].refused_s) < REFUSED_WITHIN_S

"""How full the store is, as it says itself."""

from __future__ import annotations

import signal

import pytest

from jobs.backends.redis.connection import connect
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.services.admission import FULL_AT, Admission
from tests.backends.clusters import Cluster
from tests.backends.servers import Server
from tests.stores import PATIENCE_S, Bench
from tests.waiting import until


def test_submissions_stop_before_the_store_is_full_and_go_on_when_there_is_room(spare: Server) -> None:
    with Bench(url=spare.url) as bench:
        admission = Admission(bench.runner.memory, monotonic=lambda: -1.0)
        # The scripts themselves take room, once.
        bench.submit()
        used = int(bench.client.info("memory")["used_memory"])
        try:
            bench.client.config_set("maxmemory", round(used / (FULL_AT - 0.05)))
            admission.look()
            admission.require_room()
            bench.client.config_set("maxmemory", round(used / (FULL_AT + 0.05)))
            admission.look()
            with pytest.raises(BackendUnavailable, match=r"9\d% full") as refusal:
                admission.require_room()
            assert (refusal.value.code, refusal.value.retry_after_s) == ("queue_full", 5)
            # The store itself would still take it: what runs has room to end.
            bench.submit()
        finally:
            bench.client.config_set("maxmemory", 0)
        admission.look()
        admission.require_room()


def test_a_store_that_is_away_leaves_the_last_reading(spare: Server) -> None:
    readings = iter([[(9, 10)], BackendUnavailable("away")])

    def read() -> list[tuple[int, int]]:
        reading = next(readings)
        if isinstance(reading, BackendUnavailable):
            raise reading
        return reading

    admission = Admission(read, monotonic=lambda: -1.0)
    admission.look()
    admission.look()
    with pytest.raises(BackendUnavailable):
        admission.require_room()


def test_the_fullest_primary_of_a_cluster_counts(cluster_url: str) -> None:
    runner = SyncRunner(connect(cluster_url, "room", PATIENCE_S))
    try:
        memory = runner.memory()
        assert memory
        assert all(used > 0 for used, _ in memory)
    finally:
        runner.close()


def test_a_reading_begins_by_itself_and_once_a_second() -> None:
    now, begun = [0.0], []
    admission = Admission(lambda: begun.append(now[0]) or [(1, 10)], monotonic=lambda: now[0])
    for moment in (0.0, 0.5, 0.99, 1.0, 1.5, 2.1):
        now[0] = moment
        admission.require_room()
        admission.settle()
    assert begun == [0.0, 1.0, 2.1]


def test_a_store_that_was_set_up_for_other_shards_takes_nothing_until_it_is_the_right_one() -> None:
    faults = iter([BackendUnavailable("away"), "The jobs are spread over 12 shards, and IRONFORGE_SHARDS says 1.", ""])

    def judge() -> str:
        fault = next(faults)
        if isinstance(fault, BackendUnavailable):
            raise fault
        return fault

    admission = Admission(lambda: [(1, 10)], judge, monotonic=lambda: -1.0)
    for told in ("does not answer", "does not answer", "12 shards"):
        with pytest.raises(BackendUnavailable, match=told):
            admission.require_room()
        admission.look()
    # It is looked at no more once it was right.
    admission.require_room()
    admission.look()
    admission.require_room()


def test_the_primaries_that_answer_are_read_when_one_does_not(three_masters: Cluster) -> None:
    runner = SyncRunner(connect(three_masters.url, "room", 0.5))
    try:
        # A busy machine lets one more be too slow now and then.
        until(lambda: len(runner.memory()) == 3)
        hung = three_masters.masters[1].process
        hung.send_signal(signal.SIGSTOP)
        try:
            until(lambda: len(runner.memory()) == 2)
        finally:
            hung.send_signal(signal.SIGCONT)
    finally:
        runner.close()

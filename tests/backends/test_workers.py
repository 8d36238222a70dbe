"""workers.lua: who was seen in the last half minute."""

from __future__ import annotations

from tests.backends.test_heartbeat import beat, record, seen
from tests.stores import Bench


def test_workers_are_listed_by_id(bench: Bench) -> None:
    assert seen(bench) == []
    for worker_id in ("w2", "w3", "w1"):
        beat(bench, record(worker_id))
    assert [worker.id for worker in seen(bench)] == ["w1", "w2", "w3"]


def test_a_worker_is_alive_for_half_a_minute(bench: Bench) -> None:
    beat(bench, record())
    bench.advance(15_000)
    assert len(seen(bench)) == 1
    bench.advance(15_001)
    assert seen(bench) == []


def test_a_worker_whose_record_is_gone_is_passed_over(bench: Bench) -> None:
    beat(bench, record("w1"))
    beat(bench, record("w2"))
    bench.client.delete(f"{bench.keys.named('worker_prefix')}w1")
    assert [worker.id for worker in seen(bench)] == ["w2"]
    assert [worker.id for worker in bench.run(bench.inspector.workers(limit=1))] == ["w2"]
    assert bench.run(bench.inspector.workers("w2")) == []
    assert bench.run(bench.inspector.worker_count()) == 2


def test_workers_of_another_namespace_are_not_seen(bench: Bench) -> None:
    beat(bench, record())
    with Bench() as other:
        assert seen(other) == []


def test_looking_changes_nothing(bench: Bench) -> None:
    beat(bench, record())
    bench.refused(bench.inspector.workers())

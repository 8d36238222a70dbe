"""farewell.lua: a worker that stops in good order is gone at once."""

from __future__ import annotations

from tests.backends.test_heartbeat import beat, record, seen
from tests.stores import Bench


def test_who_says_farewell_is_not_shown_any_more(bench: Bench) -> None:
    beat(bench, record("w1"))
    beat(bench, record("w2"))
    bench.twice(bench.consumer.farewell("w1"))
    assert [worker.id for worker in seen(bench)] == ["w2"]
    assert bench.client.exists(f"{bench.keys.named('worker_prefix')}w1") == 0


def test_a_worker_that_nobody_knows_may_say_farewell(bench: Bench) -> None:
    bench.refused(bench.consumer.farewell("stranger"))


def test_its_leases_are_not_taken_from_it(bench: Bench) -> None:
    bench.submit()
    lease = bench.lease(worker="w1")
    beat(bench, record("w1"))
    bench.run(bench.consumer.farewell("w1"))
    assert bench.run(bench.consumer.extend([(lease.job.id, lease.token)], 10_000)).extended

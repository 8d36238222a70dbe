"""order.lua: a living worker learns with its next heartbeat what it is to do."""

from __future__ import annotations

import pytest

from jobs.domain.worker import WorkerOrder
from tests.backends.test_heartbeat import record
from tests.stores import Bench


def beat(bench: Bench, worker_id: str = "w1") -> WorkerOrder:
    return bench.run(bench.consumer.heartbeat(record(worker_id)))


@pytest.mark.parametrize("order", list(WorkerOrder))
def test_an_order_is_heard_with_each_heartbeat_until_another(bench: Bench, order: WorkerOrder) -> None:
    assert beat(bench) is WorkerOrder.RUN
    beat(bench, "w2")
    assert bench.twice(bench.operator.order("w1", order))
    assert [beat(bench), beat(bench), beat(bench, "w2")] == [order, order, WorkerOrder.RUN]
    bench.run(bench.operator.order("w1", WorkerOrder.RUN))
    assert beat(bench) is WorkerOrder.RUN


def test_who_is_unknown_silent_or_gone_gets_no_order(bench: Bench) -> None:
    assert not bench.run(bench.operator.order("w1", WorkerOrder.QUIET))
    beat(bench)
    bench.advance(30_001)
    assert not bench.run(bench.operator.order("w1", WorkerOrder.QUIET))
    beat(bench)
    assert bench.run(bench.operator.order("w1", WorkerOrder.QUIET))
    bench.run(bench.consumer.farewell("w1"))
    assert not bench.run(bench.operator.order("w1", WorkerOrder.QUIET))
    # A worker of that name would be a new one.
    assert beat(bench) is WorkerOrder.RUN


def test_an_order_is_forgotten_with_its_worker(bench: Bench) -> None:
    beat(bench)
    bench.run(bench.operator.order("w1", WorkerOrder.TERMINATE))
    left_ms = bench.client.pttl(f"{bench.keys.named('order_prefix')}w1")
    assert 0 < left_ms <= 60_000

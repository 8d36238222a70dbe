"""Two workers, a reaper and a canceller: in every order of their calls a job is held once and ends once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from jobs.backends.call import Call
from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.job import Delivery
from tests.backends.servers import Server
from tests.consistency import faults_of
from tests.model.orders import LEASE_MS, Run, Script, orders

AT_ONCE = 120

TWO_REAPS: Script = (("reap",), ("reap",))
ONCE, TWICE = Delivery.AT_MOST_ONCE, Delivery.AT_LEAST_ONCE
SCENES: dict[str, tuple[Delivery, tuple[Script, ...]]] = {
    "cancelled": (
        TWICE,
        (
            (("claim", "a"), ("complete", "a")),
            (("claim", "b"), ("fail", "b")),
            TWO_REAPS,
            (("cancel", "r1"), ("cancel_waiting", "r2")),
        ),
    ),
    "repeated": (
        TWICE,
        (
            (("claim", "a"), ("claim", "a"), ("complete", "a"), ("complete", "a")),
            (("claim", "b"), ("snooze", "b")),
            (("reap",),),
            (("cancel", "r1"),),
        ),
    ),
    "at-most-once": (
        ONCE,
        (
            (("claim", "a"), ("release", "a")),
            (("claim", "b"), ("complete", "b")),
            TWO_REAPS,
            (("cancel", "r1"), ("retry", "r2")),
        ),
    ),
    "dead-letter": (
        ONCE,
        (
            (("claim", "a"), ("fail", "a")),
            (("claim", "b"), ("snooze", "b")),
            TWO_REAPS,
            (("retry", "r1"), ("discard", "r2")),
        ),
    ),
    "dead-worker": (
        TWICE,
        (
            (("claim", "a"), ("complete", "a")),
            (("claim", "b"), ("fail", "b")),
            (("lose", "a"), ("lose", "b")),
            (("reap",), ("cancel", "r1")),
        ),
    ),
    "extended": (
        TWICE,
        (
            (("claim", "a"), ("extend", "a"), ("fail", "a")),
            (("claim", "b"), ("complete", "b")),
            (("reap",), ("promote_due",)),
            (("cancel", "r1"),),
        ),
    ),
}
TEN_CALLS: tuple[Script, ...] = (
    (("claim", "a"), ("extend", "a"), ("fail", "a")),
    (("claim", "b"), ("unknown", "b"), ("complete", "b")),
    TWO_REAPS,
    (("cancel", "r1"), ("cancel", "r1")),
)


class Listed(redis.Redis):
    """A client that asks once which keys there are, for a look at each of very many namespaces at rest."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(connection_pool=client.connection_pool)
        self._names: dict[bytes, list[bytes]] = {}
        for name in super().scan_iter(count=10_000):
            self._names.setdefault(_tag_of(name), []).append(name)

    def scan_iter(self, match: str, **_: Any) -> Iterator[bytes]:
        """Return the keys of one namespace that begin alike."""
        prefix = match.removesuffix("*").encode()
        return (name for name in self._names.get(_tag_of(prefix), []) if name.startswith(prefix))


def _tag_of(name: bytes) -> bytes:
    return name[: name.index(b"}")]


class Store:
    """Carries many runs forward step by step, a round trip for all of them."""

    def __init__(self, server: Server) -> None:
        self.client = server.client("orders")
        self.runner = SyncRunner(self.client, has_test_clock=True)
        self.backend = RedisBackend(priority_mode="offset", grace_ms=LEASE_MS)

    def carry(self, runs: list[Run]) -> None:
        """Carry the runs through all their steps, and look at each after each step."""
        self.runner.run_many([run.submit() for run in runs])
        for number in range(len(runs[0].order)):
            self._pass_time(runs, number)
            for run, answer in zip(runs, self.runner.run_many([run.call(number) for run in runs]), strict=True):
                run.judge(number, answer)
            looks: list[Call[Any]] = [look for run in runs for look in run.looks()]
            answers = iter(self.runner.run_many(looks))
            for run in runs:
                run.look(next(answers), next(answers))
        self._check(runs)
        self.client.flushdb()

    def _check(self, runs: list[Run]) -> None:
        listed = Listed(self.client)
        for run in runs:
            assert faults_of(listed, Keys(run.namespace)) == [], run.order

    def _pass_time(self, runs: list[Run], number: int) -> None:
        with self.client.pipeline(transaction=False) as pipeline:
            for run in runs:
                if run.passes(number):
                    pipeline.incrby(Keys(run.namespace).named("test_clock"), run.passes(number))
            pipeline.execute()


@pytest.fixture
def store(crowd: Server) -> Iterator[Store]:
    """Return the store, empty."""
    made = Store(crowd)
    made.client.flushdb()
    yield made
    made.client.close()


def carry_all(store: Store, delivery: Delivery, scripts: tuple[Script, ...], stride: int = 1) -> int:
    """Carry the orders of the scripts, every one or one of `stride`; return how many that are."""
    found = list(orders(scripts))[::stride]
    assert len(set(map(len, found))) == 1
    # One first, from which the store learns the scripts: a round trip with unknown ones is carried out once more, and
    # a reaper does not answer alike.
    store.carry([Run(store.backend, found[0], delivery)])
    for first in range(0, len(found), AT_ONCE):
        store.carry([Run(store.backend, order, delivery) for order in found[first : first + AT_ONCE]])
    return len(found)


@pytest.mark.parametrize("name", SCENES)
def test_in_orders_from_all_over_a_job_is_held_once_and_ends_once(store: Store, name: str) -> None:
    # A prime, so that no call stands at the same place in all of them.
    assert carry_all(store, *SCENES[name], stride=7) >= 114


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SCENES)
def test_in_every_order_a_job_is_held_once_and_ends_once(store: Store, name: str) -> None:
    assert carry_all(store, *SCENES[name]) >= 800


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("delivery", Delivery)
def test_in_every_order_of_ten_calls_a_job_is_held_once_and_ends_once(store: Store, delivery: Delivery) -> None:
    assert carry_all(store, delivery, TEN_CALLS) == 25_200

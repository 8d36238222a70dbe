"""Two acts on one job at the same time: in either order, from every status, each is answered as the model says."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations, product
from typing import Any

import pytest

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.job import Delivery
from jobs.domain.status import Status
from tests.backends.servers import Server
from tests.model.orders import LEASE_MS, MAX_RETRIES, PASS_MS, Run, Step

# How a job comes into each status.
WAYS: dict[Status, tuple[Step, ...]] = {
    Status.QUEUED: (),
    Status.RUNNING: (("claim", "a"),),
    Status.COMPLETED: (("claim", "a"), ("complete", "a")),
    Status.FAILED: (("claim", "a"), ("fail", "a")),
    Status.SCHEDULED: (("claim", "a"), ("snooze", "a")),
    Status.CANCELLED: (("cancel", "r0"),),
    Status.DEAD_LETTER: (("claim", "a"), ("fail", "a"), ("promote", "r0"), ("claim", "b"), ("fail", "b")),
}
VERBS: tuple[Step, ...] = (
    *(("claim", "c"), ("extend", "a"), ("complete", "a"), ("fail", "a"), ("snooze", "a"), ("release", "a")),
    *(("unknown", "a"), ("reap",), ("promote_due",), ("cancel", "r1"), ("cancel_waiting", "r2"), ("retry", "r3")),
    *(("discard", "r4"), ("promote", "r5")),
)


@pytest.fixture
def runners(crowd: Server) -> Iterator[tuple[SyncRunner, SyncRunner]]:
    """Return two ways to an empty store."""
    with crowd.client("one") as one, crowd.client("two") as two:
        one.flushall()
        yield SyncRunner(one, has_test_clock=True), SyncRunner(two, has_test_clock=True)


def backend() -> RedisBackend:
    return RedisBackend(priority_mode="offset", grace_ms=LEASE_MS)


def begun(runner: SyncRunner, order: tuple[Step, ...], steps: int) -> Run:
    """Return a run whose first steps were carried out one after the other, each judged and the job after it too."""
    run = Run(backend(), order, Delivery.AT_LEAST_ONCE)
    runner.run_many([run.submit(), run.maintainer.reap()])
    for number in range(steps):
        advance(runner, run, run.passes(number))
        run.judge(number, runner.run(run.call(number)))
        run.look(*runner.run_many(run.looks()))
    return run


def advance(runner: SyncRunner, run: Run, milliseconds: int) -> None:
    """Move the clock of a run's namespace."""
    if milliseconds:
        runner._client.incrby(f"ironforge:{{{run.namespace}/0}}:test_clock", milliseconds)


def test_all_pairs_of_acts_from_every_status_are_answered_as_the_model_says(
    runners: tuple[SyncRunner, SyncRunner],
) -> None:
    assert MAX_RETRIES == 1, "the way to the dead letters is one retry long"
    for way, first, second in product(WAYS.values(), VERBS, VERBS):
        order = (*way, first, second)
        begun(runners[0], order, len(order))


@pytest.mark.parametrize("pairs", [300, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
def test_acts_at_the_same_moment_are_answered_as_in_one_of_their_orders(
    runners: tuple[SyncRunner, SyncRunner], pairs: int
) -> None:
    chance = random.Random(26)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(pairs):
            way = chance.choice(list(WAYS.values()))
            acts = (chance.choice(VERBS), chance.choice(VERBS))
            run = begun(runners[0], (*way, *acts), len(way))
            # Once for both, so that it does not matter which of them comes first.
            advance(runners[0], run, PASS_MS)
            run.clock += PASS_MS
            calls = [run.call(len(way) + number) for number in range(2)]
            answers = list(pool.map(lambda runner, call: runner.run(call), runners, calls))
            seen = runners[0].run_many(run.looks())
            orders = permutations(zip(acts, answers, strict=True))
            assert any(fits(run, way, order, seen) for order in orders), (way, acts, answers, seen)


def fits(run: Run, way: tuple[Step, ...], acts: Sequence[tuple[Step, Any]], seen: Sequence[Any]) -> bool:
    """Tell whether the answers, and the job after both, are what the model says of this order."""
    tried = copy.copy(run)
    tried.model, tried.leases, tried.tokens = copy.copy(run.model), dict(run.leases), list(run.tokens)
    tried.order = (*way, *(act for act, _ in acts))
    try:
        for number, (act, answer) in enumerate(acts, len(way)):
            if act == ("reap",) and acts[0][0][0] == "extend":
                assert answer == 0  # the lease was renewed, or there was none
            else:
                tried.judge(number, answer)
        # It was asked for the tokens known before; one that was handed out since is not among them.
        (job,) = seen[1]
        found = (job.status, job.attempt, job.retry_count, job.lost_leases, job.cancel_requested)
    except AssertionError:
        return False
    return found == tried.model.seen

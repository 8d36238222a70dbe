"""Whatever happens, no more jobs of a kind run than its limit says, and within a second no place is left empty."""

from __future__ import annotations

import secrets
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobs.backends.redis.limits import RedisLimits
from jobs.domain.job import JobSpec
from jobs.domain.lease import Lease
from jobs.domain.limit import Limit
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.stores import BY, Bench

KINDS, QUEUES = ("a", "b", "c"), ("main", "other")
# Whatever ends without a wait of its own.
OUTCOMES = (OutcomeKind.COMPLETED, OutcomeKind.RELEASED, OutcomeKind.DISCARDED, OutcomeKind.FAILED)
picks = st.integers(0, 1_000_000)


class Limited(RuleBasedStateMachine):
    """Jobs of three kinds in two queues, whose limits change while they run."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        self.limits = RedisLimits([self.bench.keys])
        self.limit: dict[str, int] = {}
        self.leases: list[Lease] = []
        self.queued: list[str] = []

    @rule(kind=st.sampled_from(KINDS), number=st.integers(0, 3))
    def limit_kind(self, kind: str, number: int) -> None:
        if number:
            limit = Limit(kind=kind, concurrency=number, set_by="user:ada")
            assert self.bench.twice(self.limits.put(limit)) == "set"
            self.limit[kind] = number
        else:
            self.bench.twice(self.limits.drop(kind))
            self.limit.pop(kind, None)

    @rule(
        kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=5),
        queue=st.sampled_from(QUEUES),
        priority=st.sampled_from(Priority),
    )
    def submit(self, kinds: list[str], queue: str, priority: Priority) -> None:
        specs = [JobSpec(kind=kind, queue=queue, priority=priority, max_retries=0) for kind in kinds]
        self.queued += [made.job_id for made in self.bench.submit_all(specs)]

    @rule(most=st.integers(1, 4), queues=st.sampled_from([("main",), ("other",), QUEUES, QUEUES[::-1]]))
    def claim(self, most: int, queues: tuple[str, ...]) -> None:
        before = self.running()
        leases = self.bench.claim(most, queues).leases
        self.leases += leases
        for kind in {lease.job.kind for lease in leases}:
            assert self.running()[kind] <= max(self.limit.get(kind, 10**6), before[kind])

    @precondition(lambda self: self.leases)
    @rule(number=picks, outcome=st.sampled_from(OUTCOMES))
    def settle(self, number: int, outcome: OutcomeKind) -> None:
        self.bench.settle(self.leases.pop(number % len(self.leases)), outcome)

    @precondition(lambda self: self.queued)
    @rule(number=picks)
    def cancel(self, number: int) -> None:
        job_id = self.queued.pop(number % len(self.queued))
        self.bench.run(self.bench.operator.cancel([job_id], secrets.token_hex(4), running=False, by=BY))

    @precondition(lambda self: self.leases)
    @rule()
    def let_the_worker_die(self) -> None:
        self.bench.run(self.bench.maintainer.lose_worker("w1", "exit code 1", 0))
        self.leases = []

    @rule(pause=st.booleans())
    def pause_or_resume(self, pause: bool) -> None:
        operator = self.bench.operator
        self.bench.run(operator.pause("other", by=BY, reason="") if pause else operator.resume("other", by=BY))

    @rule()
    def take_all_that_may_run(self) -> None:
        self.bench.run(self.bench.operator.resume("other", by=BY))
        self.bench.advance(30_000)
        self.bench.run(self.bench.maintainer.promote_due())
        for lease in self.leases:  # they are kept by who holds them
            assert self.bench.run(self.bench.consumer.extend([(lease.job.id, lease.token)], 90_000)).extended
        self.leases += self.bench.claim(200, QUEUES).leases
        ready = Counter(
            job.kind for job in self.bench.run(self.bench.inspector.list_jobs(Status.QUEUED, None, None, 200)).jobs
        )
        for kind in KINDS:
            if kind not in self.limit:
                assert not ready[kind]
            elif ready[kind]:
                assert self.running()[kind] >= self.limit[kind]

    def running(self) -> Counter[str]:
        return Counter(lease.job.kind for lease in self.leases)

    @invariant()
    def nothing_contradicts_anything(self) -> None:
        self.bench.check()

    def teardown(self) -> None:
        self.bench.close()


@pytest.mark.usefixtures("_store_server")
def test_limits_hold_and_leave_no_place_empty() -> None:
    run_state_machine_as_test(Limited, settings=settings(max_examples=25, stateful_step_count=40, deadline=None))


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("_store_server")
def test_limits_hold_and_leave_no_place_empty_for_long() -> None:
    run_state_machine_as_test(Limited, settings=settings(max_examples=400, stateful_step_count=60, deadline=None))

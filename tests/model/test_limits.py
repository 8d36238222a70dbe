"""Whatever happens, no more jobs of a kind, queue or key run than its limit says, and soon no place is left empty."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jobs.backends.redis.limits import RedisLimits
from jobs.domain.job import Job, JobSpec
from jobs.domain.lease import Lease
from jobs.domain.limit import Limit, LimitBy
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.consistency import HELD
from tests.model.walk import Size, walk, walks
from tests.stores import BY, Bench

KINDS, QUEUES, KEYS = ("a", "b", "c"), ("main", "other"), (None, "x", "y")
# What a limit is of: what it limits by, and the name of it.
LIMITS = [(LimitBy.KIND, kind) for kind in KINDS] + [(LimitBy.KEY, kind) for kind in KINDS[:2]]
LIMITS += [(LimitBy.QUEUE, queue) for queue in QUEUES]
# Whatever ends without a wait of its own.
OUTCOMES = (OutcomeKind.COMPLETED, OutcomeKind.RELEASED, OutcomeKind.DISCARDED, OutcomeKind.FAILED)
picks = st.integers(0, 1_000_000)


def counted(jobs: list[Job]) -> Counter[tuple[str, ...]]:
    """Return how many of the jobs come under each limiter: a kind, a queue, or a key of a kind."""
    return Counter(limiter for job in jobs for limiter in limiters_of(job))


def limiters_of(job: Job) -> list[tuple[str, ...]]:
    """Return what may limit a job."""
    found: list[tuple[str, ...]] = [(LimitBy.KIND, job.kind), (LimitBy.QUEUE, job.queue)]
    return found if job.limit_key is None else [*found, (LimitBy.KEY, job.kind, job.limit_key)]


class Limited(RuleBasedStateMachine):
    """Jobs of three kinds and two keys in two queues, whose limits change while they run."""

    # Together far below the second after which a list is looked at in any case.
    LOOKS, LOOK_MS, SLOTS = 4, 25, 3

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        self.limits = RedisLimits([self.bench.keys])
        self.limit: dict[tuple[str, ...], int] = {}
        self.leases: list[Lease] = []
        self.queued: list[str] = []
        # Where the first jobs are held by their key, and the others may take the places of their kind.
        self.limit_some((LimitBy.KIND, "a"), 2)
        self.limit_some((LimitBy.KEY, "a"), 1)

    @rule(of=st.sampled_from(LIMITS), number=st.integers(0, 3))
    def limit_some(self, of: tuple[LimitBy, str], number: int) -> None:
        by, name = of
        if number:
            limit = Limit(by=by, name=name, concurrency=number, set_by="user:ada")
            assert self.bench.twice(self.limits.put(limit)) == "set"
            self.limit[of] = number
        else:
            self.bench.twice(self.limits.drop(name, by))
            self.limit.pop(of, None)

    @rule(
        jobs=st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(KEYS)), min_size=1, max_size=5),
        queue=st.sampled_from(QUEUES),
        priority=st.sampled_from(Priority),
    )
    def submit(self, jobs: list[tuple[str, str | None]], queue: str, priority: Priority) -> None:
        specs = [JobSpec(kind=kind, queue=queue, priority=priority, max_retries=0, limit_key=key) for kind, key in jobs]
        self.queued += [made.job_id for made in self.bench.submit_all(specs)]

    @rule(most=st.integers(1, 4), queues=st.sampled_from([("main",), ("other",), QUEUES, QUEUES[::-1]]))
    def claim(self, most: int, queues: tuple[str, ...]) -> None:
        before = self.running()
        leases = self.bench.claim(most, queues).leases
        self.take(leases)
        for limiter in counted([lease.job for lease in leases]):
            assert self.running()[limiter] <= max(self.most_of(limiter), before[limiter])

    @precondition(lambda self: self.leases)
    @rule(number=picks, outcome=st.sampled_from(OUTCOMES))
    def settle(self, number: int, outcome: OutcomeKind) -> None:
        self.bench.settle(self.leases.pop(number % len(self.leases)), outcome)

    @precondition(lambda self: self.queued)
    @rule(number=picks)
    def cancel(self, number: int) -> None:
        job_id = self.queued.pop(number % len(self.queued))
        self.bench.run(self.bench.operator.cancel([job_id], secrets.token_hex(4), running=False, by=BY))

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=3, max_size=8), outcomes=st.lists(picks, max_size=3))
    def rush(self, keys: list[str | None], outcomes: list[int]) -> None:
        """Many of one kind, more than it lets go; then some end, and each leaves its place to the next that may."""
        self.submit([("a", key) for key in keys], "main", Priority.MEDIUM)
        self.take(self.bench.claim(200, QUEUES).leases)
        for number in outcomes:
            if self.leases:
                self.settle(number, OutcomeKind.COMPLETED)
                self.take_what_was_passed_on()

    @rule(number=picks, queue=st.sampled_from((*QUEUES, None)))
    def move_or_cancel_what_is_held(self, number: int, queue: str | None) -> None:
        for place in QUEUES:
            held = self.bench.client.zrange(self.bench.keys.queue(place), HELD, "+inf", byscore=True)
            if held:
                job_id = held[number % len(held)].decode()
                if queue is None:
                    self.bench.cancel(job_id)
                else:
                    self.bench.run(self.bench.operator.move([job_id], secrets.token_hex(4), queue, by=BY))

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
        while leases := self.bench.claim(200, QUEUES).leases:
            self.take(leases)
        self.no_place_is_empty()

    @rule()
    def take_what_was_passed_on(self) -> None:
        """No list has been looked at for a second by itself: whoever let go of a place has passed it on."""
        self.bench.run(self.bench.operator.resume("other", by=BY))
        self.bench.run(self.bench.maintainer.promote_due())
        for _ in range(self.LOOKS):
            self.bench.advance(self.LOOK_MS)
            while leases := self.bench.claim(self.SLOTS, QUEUES).leases:
                self.take(leases)
        self.no_place_is_empty()

    def no_place_is_empty(self) -> None:
        running = self.running()
        for job in self.bench.run(self.bench.inspector.list_jobs(Status.QUEUED, None, None, 200)).jobs:
            limiters = limiters_of(job)
            assert any(running[limiter] >= self.most_of(limiter) for limiter in limiters), (job, running, self.limit)

    def take(self, leases: Sequence[Lease]) -> None:
        self.leases += leases
        taken = {lease.job.id for lease in leases}
        self.queued = [job_id for job_id in self.queued if job_id not in taken]

    def most_of(self, limiter: tuple[str, ...]) -> int:
        return self.limit.get(limiter[:2], 10**6)

    def running(self) -> Counter[tuple[str, ...]]:
        return counted([lease.job for lease in self.leases])

    @invariant()
    def nothing_contradicts_anything(self) -> None:
        self.bench.check()

    def teardown(self) -> None:
        self.bench.close()


@walks(short=(15, 30), long=(400, 60))
@pytest.mark.usefixtures("_store_server")
def test_limits_hold_and_leave_no_place_empty(size: Size) -> None:
    walk(Limited, size)

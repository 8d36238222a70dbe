"""Keys of a fair queue get their shares whatever comes and goes; none starves, and memory is bounded."""

from __future__ import annotations

import secrets
from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from jobs.backends.redis.sharing import RedisSharing
from jobs.domain.job import Job, JobSpec
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.sharing import Share
from jobs.domain.status import Status
from tests.model.walk import Size, walk, walks
from tests.stores import BY, Bench

WEIGHTS = {"gold": 3, "g-2": 2, "a": 1, "b": 1}
KEYS = tuple(WEIGHTS)
SHARE = Share(weights=(("gold", 3), ("g-*", 2)), set_by=BY)
PRIORITIES = (Priority.HIGH, Priority.LOW)
# What ends an attempt without a wait; the first two put nothing back.
OUTCOMES = (OutcomeKind.COMPLETED, OutcomeKind.DISCARDED, OutcomeKind.RELEASED, OutcomeKind.SNOOZED)
FAIR = "fair_prefix"
# One listing shows all that may wait.
MOST = 150
picks = st.integers(0, 1_000_000)


class Fair(RuleBasedStateMachine):
    """Jobs of four keys in two priorities of one queue, all of whose turns are told to the model as they start."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        assert self.bench.run(RedisSharing([self.bench.keys]).put("main", SHARE))
        self.leases: list[Lease] = []
        self.submitted = 0
        self.cancelled: set[str] = set()
        # Jobs that were given back: they start again in the turn that they had, which was counted.
        self.returned: set[str] = set()
        # Keys with empty turns in their lines, of jobs that were cancelled: they wait for what was theirs.
        self.gaps: set[tuple[Priority, str]] = set()
        # By priority: the keys that wait together, and how often each was served since. What disturbs a line, jobs that
        # leave it or come back to its head, begins the count anew.
        self.served: dict[Priority, Counter[str]] = {priority: Counter() for priority in PRIORITIES}
        self.waiting_together: dict[Priority, set[str]] = {priority: set() for priority in PRIORITIES}

    @precondition(lambda self: self.submitted < MOST)
    @rule(key=st.sampled_from(KEYS), priority=st.sampled_from(PRIORITIES), amount=st.integers(1, 8))
    def submit(self, key: str, priority: Priority, amount: int) -> None:
        self.submitted += amount
        self.bench.submit_all([JobSpec(kind="k", limit_key=key, priority=priority, max_retries=0)] * amount)
        self._look_again(priority)

    @precondition(lambda self: self.submitted < MOST)
    @rule(priority=st.sampled_from(PRIORITIES), most=st.integers(8, 24))
    def crowd(self, priority: Priority, most: int) -> None:
        for key in KEYS:
            self.submit(key, priority, 2 + 4 * WEIGHTS[key])
        self.claim(most)

    @rule(most=st.integers(1, 8))
    def claim(self, most: int) -> None:
        for _ in range(most):
            before = self._waiting()
            leases = self.bench.claim(1).leases
            assert len(leases) == min(1, len(before))
            if not leases:
                return
            job = leases[0].job
            self.leases += leases
            assert job.id == before[0].id, "the list of queued jobs is the order in which they start"
            assert job.priority == min((it.priority for it in before), key=PRIORITIES.index)
            self._serve(job, [it for it in before if it.priority is job.priority])

    @precondition(lambda self: self.leases)
    @rule(number=picks, outcome=st.sampled_from(OUTCOMES))
    def settle(self, number: int, outcome: OutcomeKind) -> None:
        lease = self.leases.pop(number % len(self.leases))
        self.bench.settle(lease, outcome, delay_ms=60_000)
        if outcome is OutcomeKind.RELEASED:
            self.returned.add(lease.job.id)
            self._begin_anew(lease.job.priority)

    @rule(number=picks)
    def cancel(self, number: int) -> None:
        waiting = self._waiting()
        if waiting:
            job = waiting[number % len(waiting)]
            self.bench.run(self.bench.operator.cancel([job.id], secrets.token_hex(4), running=False, by=BY))
            self.cancelled.add(job.id)
            self.gaps.add((job.priority, str(job.limit_key)))
            self._begin_anew(job.priority)

    @rule()
    def let_delayed_jobs_come(self) -> None:
        self.bench.advance(60_000)
        self.bench.run(self.bench.maintainer.promote_due())
        for priority in PRIORITIES:
            self._look_again(priority)

    @rule()
    def take_all(self) -> None:
        self.bench.submit_all([JobSpec(kind="k", limit_key="a", priority=priority) for priority in PRIORITIES])
        while leases := self.bench.claim(200).leases:
            self.leases += leases
        assert self._waiting() == []
        # Nobody waits, so all debts are off: not even the names of keys are left.
        assert list(self.bench.client.scan_iter(f"{self.bench.keys.named(FAIR)}*")) == []
        for priority in PRIORITIES:
            self._begin_anew(priority)

    def _waiting(self) -> list[Job]:
        return list(self.bench.run(self.bench.inspector.list_jobs(Status.QUEUED, "main", None, 200)).jobs)

    def _serve(self, job: Job, before: list[Job]) -> None:
        key, priority = str(job.limit_key), job.priority
        together, served = self.waiting_together[priority], self.served[priority]
        served[key] += job.id not in self.returned
        self.returned.discard(job.id)
        for other in together & {str(it.limit_key) for it in before} - {key}:
            # Nobody is a whole turn ahead of another that waits all the while: start-time fair queueing, a step each.
            if (priority, other) in self.gaps:
                continue
            ahead = served[key] / WEIGHTS[key] - served[other] / WEIGHTS[other]
            assert ahead <= 1 / WEIGHTS[key] + 1 / WEIGHTS[other] + 1e-6, (key, other, served)
        left = {str(it.limit_key) for it in before if it.id != job.id}
        if key not in left:
            together.discard(key)
        self.gaps -= {(at, gap) for at, gap in self.gaps if at is priority and gap not in left}

    def _look_again(self, priority: Priority) -> None:
        """Begin to compare all who wait, if somebody new does."""
        now = {str(job.limit_key) for job in self._waiting() if job.priority is priority}
        if now != self.waiting_together[priority]:
            self._begin_anew(priority)

    def _begin_anew(self, priority: Priority) -> None:
        self.served[priority] = Counter()
        self.waiting_together[priority] = {str(job.limit_key) for job in self._waiting() if job.priority is priority}

    @invariant()
    def lines_hold_who_waits_and_some_who_were_cancelled(self) -> None:
        self.bench.check()
        prefix = self.bench.keys.named(FAIR)
        found = {key.decode() for key in self.bench.client.scan_iter(f"{prefix}*")}
        # `queue rank` has the keys, and `queue rank key` the jobs of one.
        lines = [key for key in found if key.removeprefix(prefix).count(" ") == 2]
        in_lines = {job_id.decode() for line in lines for job_id in self.bench.client.zrange(line, 0, -1)}
        assert in_lines <= {job.id for job in self._waiting()} | self.cancelled
        assert len(lines) <= len(PRIORITIES) * (len(KEYS) + 1)

    def teardown(self) -> None:
        self.bench.close()


@walks(short=(12, 25), long=(300, 60))
@pytest.mark.usefixtures("_store_server")
def test_keys_share_a_queue_by_weight_and_none_starves(size: Size) -> None:
    walk(Fair, size)

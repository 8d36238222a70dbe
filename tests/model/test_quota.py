"""A reference counts beside the store: a quota lets in and hands out what it says, and not one job more or less."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jobs.backends.base import Submission, SubmitCode
from jobs.backends.redis.tenants import RedisTenants
from jobs.backends.retention import Retention
from jobs.domain.job import JobSpec
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind
from jobs.domain.quota import Quota
from tests.model.walk import Size, walk, walks
from tests.stores import BY, Bench

sizes = st.lists(st.integers(1, 30), min_size=1, max_size=6)
parts = st.none() | st.integers(0, 12)


class Allowed(RuleBasedStateMachine):
    """A namespace whose quota changes while its jobs come and go."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        self.tenants = RedisTenants([self.bench.keys])
        self.quota = Quota()
        self.stored: dict[str, int] = {}
        self.queued: list[str] = []
        self.leases: list[Lease] = []

    @rule(jobs=parts, of_bytes=st.none() | st.integers(0, 120), running=parts)
    def allow(self, jobs: int | None, of_bytes: int | None, running: int | None) -> None:
        self.quota = Quota(jobs=jobs, bytes=of_bytes, running=running)
        self.bench.twice(self.tenants.set_quota(self.quota))

    @rule(sizes=sizes, is_atomic=st.booleans())
    def submit(self, sizes: list[int], is_atomic: bool) -> None:
        batch = [Submission(self.bench.ids.make(), JobSpec(kind="k", payload=b"1" * size)) for size in sizes]
        expected: list[SubmitCode] = []
        taken: dict[str, int] = {}
        for submission, size in zip(batch, sizes, strict=True):
            expected.append(
                self.judge(len(self.stored) + len(taken), sum(self.stored.values()) + sum(taken.values()), size)
            )
            if expected[-1] is SubmitCode.ACCEPTED:
                taken[submission.job_id] = size
        if is_atomic and len(taken) < len(batch):
            expected = [SubmitCode.ABORTED if code is SubmitCode.ACCEPTED else code for code in expected]
            taken = {}
        answers = self.bench.run(self.bench.producer.submit(batch, is_atomic=is_atomic))
        assert [answer.code for answer in answers] == expected
        self.stored |= taken
        self.queued += taken

    def judge(self, jobs: int, stored: int, size: int) -> SubmitCode:
        if self.quota.jobs is not None and jobs >= self.quota.jobs:
            return SubmitCode.QUOTA_JOBS
        if self.quota.bytes is not None and stored + size > self.quota.bytes:
            return SubmitCode.QUOTA_BYTES
        return SubmitCode.ACCEPTED

    @rule(most=st.integers(1, 6))
    def claim(self, most: int) -> None:
        room = max(0, self.quota.running - len(self.leases)) if self.quota.running is not None else most
        leases = self.bench.claim(most).leases
        assert [lease.job.id for lease in leases] == self.queued[: min(most, room)]
        del self.queued[: len(leases)]
        self.leases += leases

    @precondition(lambda self: self.leases)
    @rule(number=st.integers(0, 99), size=st.integers(0, 9), ends_well=st.booleans())
    def settle(self, number: int, size: int, ends_well: bool) -> None:
        lease = self.leases.pop(number % len(self.leases))
        if ends_well:
            self.bench.settle(lease, result=b"2" * size or None)
            self.stored[lease.job.id] += size
        else:
            self.bench.settle(lease, OutcomeKind.DISCARDED)

    @precondition(lambda self: self.queued)
    @rule(number=st.integers(0, 99))
    def cancel(self, number: int) -> None:
        self.bench.cancel(self.queued.pop(number % len(self.queued)))

    @rule()
    def purge(self) -> None:
        until = self.bench.now() + 1
        self.bench.run(self.bench.operator.purge("main", secrets.token_hex(8), until, 0, by=BY))
        for job_id in self.queued:
            del self.stored[job_id]
        self.queued = []

    @rule(kept=st.integers(0, 3))
    def prune(self, kept: int) -> None:
        self.bench.advance(1)
        self.bench.run(self.bench.maintainer.prune(Retention(max_jobs=kept, dead_letter_age_ms=0)))
        self.stored = {job_id: size for job_id, size in self.stored.items() if self.bench.raw(job_id)}

    @invariant()
    def counts_are_right(self) -> None:
        use = self.bench.run(self.tenants.use())
        assert (use.quota, use.jobs, use.bytes) == (self.quota, len(self.stored), sum(self.stored.values()))
        assert use.running == len(self.leases)

    def teardown(self) -> None:
        self.bench.close()


@walks(short=(15, 25), long=(200, 50))
@pytest.mark.usefixtures("_store_server")
def test_a_quota_lets_in_what_it_says(size: Size) -> None:
    walk(Allowed, size)

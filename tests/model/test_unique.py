"""Unique keys, debounce and expiry under any sequence of calls, beside a small reference of who holds what."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jobs.backends.base import ActCode, Submission, SubmitCode
from jobs.backends.redis.uniques import RedisUniques
from jobs.domain.job import Job, JobSpec
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import FINAL, Status
from jobs.domain.unique import Debounce, OnConflict, Unique, Until
from tests.model.walk import Size, walk, walks
from tests.stores import BY, LEASE_MS, Bench

HOUR_MS, TTL_MS, DELAY_MS = 3_600_000, 1_800_000, 60_000
keys = st.sampled_from("ab")


@dataclass
class Held:
    """Who holds a key in the reference."""

    job_id: str
    ends_at: int | None
    until: Until
    is_debounced: bool


@dataclass
class Reference:
    """What is known of each key, and of the payload that a debounced job must run with."""

    held: dict[str, Held] = field(default_factory=dict)
    payloads: dict[str, bytes] = field(default_factory=dict)


class Machine(RuleBasedStateMachine):
    """One queue; the clock moves in steps that no slow machine can mistake for one another."""

    @initialize()
    def begin(self) -> None:
        self.bench, self.model = Bench(), Reference()
        self.bench.run(self.bench.maintainer.reap())
        self.leases: list[Lease] = []
        self.ids: list[str] = []
        self.moved_ms = 0
        self.began = self.bench.now()

    def now(self) -> int:
        return self.began + self.moved_ms

    def job(self, job_id: str) -> Job | None:
        return self.bench.run(self.bench.inspector.get(job_id))

    def holder(self, key: str) -> Held | None:
        held = self.model.held.get(key)
        return None if held is None or (held.ends_at is not None and held.ends_at <= self.now()) else held

    @rule(key=keys, until=st.sampled_from(Until), on_conflict=st.sampled_from(OnConflict), has_ttl=st.booleans(),
          expires=st.booleans())  # fmt: skip
    def submit(self, key: str, until: Until, on_conflict: OnConflict, has_ttl: bool, expires: bool) -> None:
        unique = Unique(key, until, TTL_MS if has_ttl else None, on_conflict)
        expires_at = self.now() + HOUR_MS // 2 if expires else None
        spec = JobSpec(kind="demo.echo", unique=unique, expires_at=expires_at, max_retries=1)
        held = self.holder(key)
        status = None if held is None else self.bench.get(held.job_id).status
        answer = self.store(spec)
        if held is None or (on_conflict is OnConflict.REPLACE and status is not Status.RUNNING):
            assert answer[0] is SubmitCode.ACCEPTED
            if held is not None:
                assert self.bench.get(held.job_id).reason == "replaced"
            self.model.held[key] = Held(answer[1], self.now() + TTL_MS if has_ttl else None, until, is_debounced=False)
        else:
            is_returned = on_conflict is OnConflict.RETURN
            wanted = SubmitCode.EXISTING if is_returned else SubmitCode.UNIQUE_CONFLICT
            assert answer == (wanted, held.job_id)

    @rule(key=keys, payload=st.sampled_from([b"1", b"22", b"333"]))
    def debounce(self, key: str, payload: bytes) -> None:
        held = self.holder(key)
        answer = self.store(JobSpec(kind="demo.echo", debounce=Debounce(key, DELAY_MS, 2 * DELAY_MS), payload=payload))
        if held is None:
            assert answer[0] is SubmitCode.ACCEPTED
            self.model.held[key] = Held(answer[1], None, Until.STARTED, is_debounced=True)
        else:
            assert answer == (SubmitCode.EXISTING if held.is_debounced else SubmitCode.UNIQUE_CONFLICT, held.job_id)
        if answer[0] is not SubmitCode.UNIQUE_CONFLICT:
            self.model.payloads[answer[1]] = payload

    def store(self, spec: JobSpec) -> tuple[SubmitCode, str]:
        (answer,) = self.bench.run(self.bench.producer.submit([Submission(self.bench.ids.make(), spec)]))
        if answer.code is SubmitCode.ACCEPTED:
            self.ids.append(answer.job_id)
        return answer.code, answer.job_id

    @rule(limit=st.integers(1, 2))
    def claim(self, limit: int) -> None:
        for lease in self.bench.claim(limit).leases:
            self.leases.append(lease)
            if lease.job.id in self.model.payloads:
                assert lease.job.payload == self.model.payloads[lease.job.id]
        self.settle_accounts()

    @precondition(lambda self: self.leases)
    @rule(outcome=st.sampled_from(OutcomeKind))
    def settle(self, outcome: OutcomeKind) -> None:
        self.bench.settle(self.leases.pop(), outcome, delay_ms=DELAY_MS)
        self.settle_accounts()

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 99), verb=st.sampled_from(["cancel", "retry", "purge"]))
    def steer(self, number: int, verb: str) -> None:
        job_id = self.ids[number % len(self.ids)]
        if verb == "purge":
            self.bench.run(self.bench.operator.purge("main", secrets.token_hex(4), self.bench.now() + 1_000, 0, by=BY))
        elif verb == "cancel":
            self.bench.cancel(job_id, running=True)
        else:
            self.retry(job_id)
        self.settle_accounts()

    def retry(self, job_id: str) -> None:
        job = self.job(job_id)
        (acted,) = self.bench.run(self.bench.operator.retry([job_id], secrets.token_hex(4), by=BY))
        if job is None or job.status is not Status.DEAD_LETTER:
            return
        tied = job.unique or job.debounce
        assert tied is not None
        assert (acted.code is ActCode.DONE) == (self.holder(tied.key) is None)
        if acted.code is ActCode.DONE:
            until = job.unique.until if job.unique else Until.STARTED
            ttl_ms = job.unique.ttl_ms if job.unique else None
            ends_at = self.now() + ttl_ms if ttl_ms else None
            self.model.held[tied.key] = Held(job_id, ends_at, until, job.debounce is not None)

    @rule(step_ms=st.sampled_from([LEASE_MS, DELAY_MS, HOUR_MS]))
    def let_time_pass(self, step_ms: int) -> None:
        self.bench.advance(step_ms)
        self.moved_ms += step_ms
        self.leases.clear()
        maintainer = self.bench.maintainer
        self.bench.run_many([maintainer.end_expired(), maintainer.promote_due(), maintainer.reap()])
        for job_id in self.ids:
            job = self.job(job_id)
            if job is not None and job.reason == "expired":
                assert not job.attempts
                assert job.expires_at is not None
                assert job.expires_at <= self.bench.now()
            elif job is not None and job.expires_at is not None and job.expires_at <= self.now():
                assert job.started_at is not None or job.status in FINAL
        self.settle_accounts()

    def settle_accounts(self) -> None:
        """Let the reference let go of what has ended, or was handed out."""
        for key, held in tuple(self.model.held.items()):
            job = self.job(held.job_id)
            was_handed_out = job is not None and job.status in (Status.RUNNING, Status.FAILED)
            if job is None or job.status in FINAL or (held.until is Until.STARTED and was_handed_out):
                del self.model.held[key]

    @invariant()
    def locks_are_those_of_the_reference(self) -> None:
        found = self.bench.run(RedisUniques([self.bench.keys]).list_locks(None, 9))
        assert {lock.key: lock.job_id for lock in found} == {key: held.job_id for key, held in self.model.held.items()}

    @invariant()
    def nothing_contradicts_anything(self) -> None:
        self.bench.check()

    def teardown(self) -> None:
        self.bench.close()


@walks(short=(15, 40), long=(300, 50))
@pytest.mark.usefixtures("_store_server")
def test_keys_are_held_as_the_reference_says(size: Size) -> None:
    walk(Machine, size)

"""Any sequence of calls leaves every job as the reference model says, and moves it only as the table allows."""

from __future__ import annotations

import secrets
from collections.abc import Callable

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

from jobs.backends.base import Acted, Call
from jobs.backends.retention import Retention
from jobs.domain.job import Delivery
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status, may_move
from tests.backends.model import Model
from tests.stores import BY, LEASE_MS, Bench

HOUR_MS, HALF_HOUR_MS, UNKNOWN_MS = 3_600_000, 1_800_000, 310_000
picks = st.integers(0, 1_000_000)


class Store(RuleBasedStateMachine):
    """The store beside the model. Time moves in steps that no slow machine can mistake for one another."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        # The first look at a store's life is no restart.
        self.bench.run(self.bench.maintainer.reap())
        self.jobs: dict[str, Model] = {}
        self.leases: list[Lease] = []
        self.clock = 0
        self.is_paused = False
        self.last_claim = 0
        for delivery in (Delivery.AT_LEAST_ONCE, Delivery.AT_LEAST_ONCE, Delivery.AT_MOST_ONCE):
            self.submit(1, delivery, False)

    def living(self) -> list[str]:
        return [job_id for job_id, job in self.jobs.items() if not job.is_deleted]

    def pick(self, number: int) -> str:
        return self.living()[number % len(self.living())]

    def advance(self, milliseconds: int) -> None:
        self.bench.advance(milliseconds)
        self.clock += milliseconds

    @rule(max_retries=st.integers(0, 2), delivery=st.sampled_from(Delivery), is_later=st.booleans())
    def submit(self, max_retries: int, delivery: Delivery, is_later: bool) -> None:
        due = self.bench.now() + HALF_HOUR_MS if is_later else None
        job_id = self.bench.submit(max_retries=max_retries, delivery=delivery, scheduled_for=due)
        status = Status.SCHEDULED if is_later else Status.QUEUED
        self.jobs[job_id] = Model(max_retries, delivery, status, self.clock + HALF_HOUR_MS)

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        self.last_claim += 1
        token = secrets.token_hex(16)
        call = self.bench.consumer.claim(
            ["main"], "w1", seq=self.last_claim, token=token, limit=limit, lease_ms=LEASE_MS
        )
        leases = self.bench.run(call).leases
        self.ripen()
        ready = [job_id for job_id in self.living() if self.jobs[job_id].status is Status.QUEUED]
        assert len(leases) == (0 if self.is_paused else min(limit, len(ready)))
        assert {lease.job.id for lease in leases} <= set(ready)
        for lease in leases:
            self.jobs[lease.job.id].claim()
            assert lease.attempt == self.jobs[lease.job.id].attempt
        if leases:
            assert self.bench.refused(call).leases == leases
        self.leases += leases

    def ripen(self) -> None:
        for job in self.jobs.values():
            job.ripen(self.clock)

    @precondition(lambda self: self.leases)
    @rule(number=picks, outcome=st.sampled_from(OutcomeKind))
    def settle(self, number: int, outcome: OutcomeKind) -> None:
        lease = self.leases.pop(number % len(self.leases))
        job = self.jobs[lease.job.id]
        settlement = Settlement(job_id=lease.job.id, token=lease.token, outcome=outcome, delay_ms=HALF_HOUR_MS)
        (settled,) = self.bench.twice(self.bench.consumer.settle([settlement]))
        is_unknown = outcome is OutcomeKind.UNKNOWN_KIND
        job.settle(outcome, self.clock + (UNKNOWN_MS if is_unknown else HALF_HOUR_MS))
        assert settled.status is job.status
        if is_unknown:
            self.advance(UNKNOWN_MS)
            self.promote_due()

    def promote_due(self) -> None:
        self.bench.run(self.bench.maintainer.promote_due())
        self.ripen()

    @precondition(lambda self: self.leases)
    @rule(number=picks, outcome=st.sampled_from(OutcomeKind))
    def settle_with_a_stale_token(self, number: int, outcome: OutcomeKind) -> None:
        lease = self.leases[number % len(self.leases)]
        stale = Settlement(job_id=lease.job.id, token=f"{lease.token}0", outcome=outcome)
        (settled,) = self.bench.run(self.bench.consumer.settle([stale]))
        assert settled.is_lost

    @rule()
    def let_an_hour_pass(self) -> None:
        self.advance(HOUR_MS)
        self.promote_due()
        lost = [lease.job.id for lease in self.leases]
        assert self.bench.run(self.bench.maintainer.reap()) == len(lost)
        for job_id in lost:
            self.jobs[job_id].lose(self.clock)
        answers = [(lease.job.id, lease.token) for lease in self.leases]
        assert self.bench.refused(self.bench.consumer.extend(answers, LEASE_MS)).extended == ()
        self.leases.clear()
        self.advance(LEASE_MS)
        self.promote_due()

    @precondition(lambda self: self.living())
    @rule(number=picks, running=st.booleans())
    def cancel(self, number: int, running: bool) -> None:
        operator = self.bench.operator
        self.act(
            number,
            lambda job_id: operator.cancel([job_id], secrets.token_hex(4), running=running, by=BY),
            lambda job: job.cancel(running=running),
        )

    @precondition(lambda self: self.living())
    @rule(number=picks, verb=st.sampled_from(["discard", "retry", "promote"]))
    def steer(self, number: int, verb: str) -> None:
        act = getattr(self.bench.operator, verb)
        self.act(number, lambda job_id: act([job_id], secrets.token_hex(4), by=BY), lambda job: getattr(job, verb)())

    def act(self, number: int, make: Callable[[str], Call[list[Acted]]], follow: Callable[[Model], str]) -> None:
        job_id = self.pick(number)
        (acted,) = self.bench.twice(make(job_id))
        assert acted.code == follow(self.jobs[job_id])
        assert acted.status is self.jobs[job_id].status

    @rule()
    def pause_or_resume(self) -> None:
        operator = self.bench.operator
        call = operator.resume("main", by=BY) if self.is_paused else operator.pause("main", by=BY, reason="")
        self.bench.twice(call)
        self.is_paused = not self.is_paused

    @rule()
    def purge(self) -> None:
        until_ms = self.bench.now() + 1_000
        self.bench.twice(self.bench.operator.purge("main", secrets.token_hex(4), until_ms, 0, by=BY))
        self.delete({Status.QUEUED})

    @rule()
    def prune(self) -> None:
        self.bench.run(self.bench.maintainer.prune(Retention(max_jobs=0)))
        self.delete({Status.COMPLETED, Status.CANCELLED})

    def delete(self, statuses: set[Status]) -> None:
        for job in self.jobs.values():
            job.is_deleted = job.is_deleted or job.status in statuses

    @invariant()
    def every_job_is_as_the_model_says(self) -> None:
        ids = list(self.jobs)
        for job_id, job in zip(ids, self.bench.run(self.bench.inspector.get_many(ids)), strict=True):
            model = self.jobs[job_id]
            if model.is_deleted:
                assert job is None
            else:
                assert job is not None
                seen = (job.status, job.attempt, job.retry_count, job.lost_leases, job.cancel_requested)
                assert seen == model.seen

    def teardown(self) -> None:
        try:
            self.moves_are_those_of_the_table()
        finally:
            self.bench.close()

    def moves_are_those_of_the_table(self) -> None:
        """Follow the events: they tell the whole story, and nothing in it is forbidden."""
        events, has_missed = self.bench.run(self.bench.feed.events_since("0-0", 5_000))
        assert not has_missed
        told: dict[str, Status | None] = {}
        for event in events:
            for change in event.changes:
                before = told.get(change.job_id)
                is_request = before is change.status is Status.RUNNING and event.verb == "cancel"
                assert change.status is None or is_request or may_move(before, change.status), (event, before)
                told[change.job_id] = change.status
        assert told == {job_id: None if job.is_deleted else job.status for job_id, job in self.jobs.items()}


@pytest.mark.usefixtures("_store_server")
def test_the_store_agrees_with_the_model() -> None:
    run_state_machine_as_test(Store, settings=settings(max_examples=30, stateful_step_count=40, deadline=None))


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("_store_server")
def test_the_store_agrees_with_the_model_for_long() -> None:
    run_state_machine_as_test(Store, settings=settings(max_examples=400, stateful_step_count=60, deadline=None))

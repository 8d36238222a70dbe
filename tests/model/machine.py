"""The store beside the reference model: rules that call it, and what holds after each of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import structs

from jobs.backends.base import MAX_BATCH, Acted, Submission
from jobs.backends.call import Call
from jobs.backends.reconciliation import walk
from jobs.backends.retention import Retention
from jobs.domain.job import Delivery, JobSpec
from jobs.domain.lease import Claim
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.priority import Priority
from jobs.domain.queue import WorkerRecord
from jobs.domain.status import Status
from tests.model.job import Model
from tests.model.reference import HALF_HOUR_MS, HOUR_MS, Reference
from tests.model.story import tell_the_story
from tests.stores import BY, LEASE_MS, Bench

UNKNOWN_MS = 310_000
# Beyond the longest wait after a second loss, whatever the job's id makes of it.
LADDER_MS = 30_000
# Some of ten keys, so that they meet again; each at most once a batch, as in a request.
KEYS = st.lists(st.sampled_from(["", "", *"abcdefgh"]), min_size=1, max_size=3).filter(
    lambda keys: len({key for key in keys if key}) == sum(map(bool, keys))
)
OPTIONS = {"max_retries": st.integers(0, 2), "retention_ms": st.sampled_from((None, 60_000))}
SPECS = st.builds(JobSpec, kind=st.just("demo.echo"), delivery=st.sampled_from(Delivery), **OPTIONS)
picks = st.integers(0, 1_000_000)
workers = st.sampled_from(["w1", "w 2"])


class Store(RuleBasedStateMachine):
    """The store beside the model. Time moves in steps that no slow machine can mistake for one another."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        # The first look at a store's life is no restart.
        self.bench.run(self.bench.maintainer.reap())
        self.model = Reference()
        self.seqs = dict.fromkeys(["w1", "w 2"], 0)
        self.claims: list[tuple[str, int, int, Call[Claim]]] = []
        self.tokens: list[tuple[str, str]] = []  # all that were ever handed out
        for delivery in (Delivery.AT_LEAST_ONCE, Delivery.AT_LEAST_ONCE, Delivery.AT_MOST_ONCE) * 2:
            self.submit([""], JobSpec(kind="demo.echo", max_retries=1, delivery=delivery), False, False, "0")

    def advance(self, milliseconds: int) -> None:
        self.bench.advance(milliseconds)
        self.model.clock += milliseconds

    @rule(
        keys=KEYS,
        spec=SPECS,
        is_later=st.booleans(),
        is_atomic=st.booleans(),
        fingerprint=st.sampled_from("01"),
    )
    def submit(self, keys: list[str], spec: JobSpec, is_later: bool, is_atomic: bool, fingerprint: str) -> None:
        if is_later:
            spec = structs.replace(spec, scheduled_for=self.bench.now() + HALF_HOUR_MS)
        batch = [Submission(self.bench.ids.make(), spec, key or None, fingerprint) for key in keys]
        wanted = self.model.submit(batch, is_atomic=is_atomic)
        is_aborted = any(code == "aborted" for code, _, _ in wanted)
        # What is not stored has no time of its own, so only the rest answers alike.
        run = self.bench.refused if is_aborted else self.bench.twice
        answers = run(self.bench.producer.submit(batch, is_atomic=is_atomic))
        for answer, (code, job_id, status) in zip(answers, wanted, strict=True):
            assert answer.code == code
            if code != "idempotency_mismatch":
                assert (answer.job_id, answer.status) == (job_id, status)

    @precondition(lambda self: self.model.ready())
    @rule(limit=st.integers(1, 3), worker=workers)
    def claim_what_is_ready(self, limit: int, worker: str) -> None:
        self.claim_as(*self.make_claim(worker, limit))

    @rule(limit=st.integers(1, 4), worker=workers)
    def claim(self, limit: int, worker: str) -> None:
        self.claim_as(*self.make_claim(worker, limit))

    @precondition(lambda self: self.model.ready())
    @rule(worker=workers)
    def claim_and_be_overtaken(self, worker: str) -> None:
        overtaken, quicker = self.make_claim(worker, 4), self.make_claim(worker, 1)
        self.claim_as(*quicker)
        self.claim_as(*overtaken)

    def make_claim(self, worker: str, limit: int) -> tuple[str, int, int, Call[Claim]]:
        self.seqs[worker] += 1
        seq, token = self.seqs[worker], secrets.token_hex(16)
        make = self.bench.consumer.claim
        call = make(["main"], worker, seq=seq, token=token, limit=limit, lease_ms=LEASE_MS)
        self.claims.append((worker, seq, limit, call))
        return self.claims[-1]

    @precondition(lambda self: self.claims)
    @rule(number=picks)
    def claim_as_before(self, number: int) -> None:
        self.claim_as(*self.claims[-1 - number % min(3, len(self.claims))])

    def claim_as(self, worker: str, seq: int, limit: int, call: Call[Claim]) -> None:
        repeated = self.model.repeated(worker, seq)
        if repeated is not None:
            assert tuple(lease.token for lease in self.bench.refused(call).leases) == repeated
            return
        leases = self.bench.run(call).leases
        self.model.ripen()
        ready = self.model.ready()
        assert len(leases) == min(limit, len(ready))
        assert {lease.job.id for lease in leases} <= ready
        self.model.take(worker, seq, [(lease.job.id, lease.token) for lease in leases])
        for lease in leases:
            assert lease.attempt == self.model.jobs[lease.job.id].attempt
            assert (lease.job.id, lease.token) not in self.tokens
            self.tokens.append((lease.job.id, lease.token))
        if leases:
            assert self.bench.refused(call).leases == leases

    @precondition(lambda self: self.model.ready())
    @rule(worker=workers, outcome=st.sampled_from(OutcomeKind))
    def run_one(self, worker: str, outcome: OutcomeKind) -> None:
        self.claim_what_is_ready(1, worker)
        self.settle(-1, outcome)

    @precondition(lambda self: self.model.holders)
    @rule(number=picks, outcome=st.sampled_from(OutcomeKind))
    def settle(self, number: int, outcome: OutcomeKind) -> None:
        token = list(self.model.holders)[number % len(self.model.holders)]
        job_id, _ = self.model.holders.pop(token)
        job = self.model.jobs[job_id]
        settlement = Settlement(job_id=job_id, token=token, outcome=outcome, delay_ms=HALF_HOUR_MS)
        (settled,) = self.bench.twice(self.bench.consumer.settle([settlement]))
        has_own_wait = outcome in (OutcomeKind.UNKNOWN_KIND, OutcomeKind.CRASHED)
        job.settle(outcome, self.model.clock + (UNKNOWN_MS if has_own_wait else HALF_HOUR_MS))
        assert settled.status is job.status
        if has_own_wait:
            self.advance(UNKNOWN_MS)
            self.promote_due()

    @rule()
    def promote_due(self) -> None:
        before = self.model.counts()[Status.QUEUED]
        promoted = self.bench.run(self.bench.maintainer.promote_due())
        self.model.ripen()
        assert promoted == self.model.counts()[Status.QUEUED] - before

    @precondition(lambda self: self.tokens)
    @rule(number=picks, outcome=st.sampled_from(OutcomeKind))
    def settle_with_a_stale_token(self, number: int, outcome: OutcomeKind) -> None:
        job_id, token = self.tokens[number % len(self.tokens)]
        before = self.bench.run(self.bench.inspector.get(job_id))
        stale = Settlement(job_id=job_id, token=f"{token}0", outcome=outcome)
        (settled,) = self.bench.run(self.bench.consumer.settle([stale]))
        assert settled.is_lost
        assert self.bench.run(self.bench.inspector.get(job_id)) == before

    @rule(kept=st.integers(0, 3))
    def let_an_hour_pass(self, kept: int) -> None:
        self.advance(HOUR_MS)
        self.promote_due()
        tokens = list(self.model.holders)
        extended = [(self.model.holders[token][0], token) for token in tokens[:kept]]
        assert len(self.bench.run(self.bench.consumer.extend(extended, LEASE_MS)).extended) == len(extended)
        assert self.bench.run(self.bench.maintainer.reap()) == len(tokens[kept:])
        self.model.lose(tokens[kept:])
        self.advance(LADDER_MS)
        self.promote_due()

    @precondition(lambda self: len(self.model.holders) > 1)
    @rule(worker=workers)
    def let_a_worker_die(self, worker: str) -> None:
        lost = self.model.held_by(worker)
        assert self.bench.run(self.bench.maintainer.lose_worker(worker, "exit code 1", 0)) == (-1, len(lost))
        self.model.lose(lost)
        self.advance(LADDER_MS)
        self.promote_due()

    @rule(worker=workers, is_last=st.booleans())
    def report(self, worker: str, is_last: bool) -> None:
        said = WorkerRecord(
            id=worker, host="h", pid=1, version="1", queues=("main",), kinds=(), concurrency=1, busy=0,
            started_at=0, memory_bytes=0, jobs=(),
        )  # fmt: skip
        consumer = self.bench.consumer
        self.bench.run(consumer.farewell(worker) if is_last else consumer.heartbeat(said))
        alive = {record.id for record in self.bench.run(self.bench.inspector.workers())}
        assert (worker in alive) == (not is_last)

    @precondition(lambda self: self.model.living())
    @rule(number=picks, running=st.booleans())
    def cancel(self, number: int, running: bool) -> None:
        operator = self.bench.operator
        self.act(
            number,
            lambda job_id: operator.cancel([job_id], secrets.token_hex(4), running=running, by=BY),
            lambda job: job.cancel(running=running),
        )

    @precondition(lambda self: self.model.living())
    @rule(number=picks, verb=st.sampled_from(["discard", "retry", "promote"]))
    def steer(self, number: int, verb: str) -> None:
        act = getattr(self.bench.operator, verb)
        self.act(number, lambda job_id: act([job_id], secrets.token_hex(4), by=BY), lambda job: getattr(job, verb)())

    @precondition(lambda self: self.model.living())
    @rule(number=picks, to=st.sampled_from([*Priority, "main", "other"]))
    def shift(self, number: int, to: Priority | str) -> None:
        operator = self.bench.operator
        act = operator.reprioritise if isinstance(to, Priority) else operator.move
        self.act(number, lambda job_id: act([job_id], secrets.token_hex(4), to, by=BY), lambda job: job.shift(to))

    def act(self, number: int, make: Callable[[str], Call[list[Acted]]], follow: Callable[[Model], str]) -> None:
        living = self.model.living()
        job_id = list(living)[number % len(living)]
        (acted,) = self.bench.twice(make(job_id))
        assert acted.code == follow(living[job_id])
        assert acted.status is living[job_id].status

    @precondition(lambda self: self.model.is_paused or len(self.model.ready()) > 4)
    @rule()
    def pause_or_resume(self) -> None:
        operator = self.bench.operator
        call = operator.resume("main", by=BY) if self.model.is_paused else operator.pause("main", by=BY, reason="")
        self.bench.twice(call)
        self.model.is_paused = not self.model.is_paused

    @precondition(lambda self: len(self.model.ready()) > 6)
    @rule()
    def purge(self) -> None:
        until_ms = self.bench.now() + 1_000
        progress = self.bench.twice(self.bench.operator.purge("main", secrets.token_hex(4), until_ms, 0, by=BY))
        assert progress.purged == self.model.purge("main")

    @precondition(lambda self: {Status.COMPLETED, Status.CANCELLED} & self.model.counts().keys())
    @rule()
    def prune(self) -> None:
        pruned = self.bench.run(self.bench.maintainer.prune(Retention(max_jobs=0)))
        assert pruned.completed == self.model.delete({Status.COMPLETED})
        assert pruned.cancelled == self.model.delete({Status.CANCELLED})

    @rule()
    def look_for_what_does_not_fit(self) -> None:
        steps = walk(self.bench.maintainer, ["main"], LEASE_MS)
        answer: Any = None
        while True:
            try:
                call = steps.send(answer)
            except StopIteration as end:
                found = end.value
                break
            answer = self.bench.run(call)
        assert found.is_clean

    @invariant()
    def every_job_is_as_the_model_says(self) -> None:
        ids = list(self.model.jobs)
        for job_id, job in zip(ids, self.bench.run(self.bench.inspector.get_many(ids)), strict=True):
            model = self.model.jobs[job_id]
            if model.is_deleted:
                assert job is None
            else:
                assert job is not None
                seen = (job.status, job.attempt, job.retry_count, job.lost_leases, job.cancel_requested)
                assert seen == model.seen
                assert (job.queue, job.priority) == (model.queue, model.priority)

    @invariant()
    def nothing_contradicts_anything(self) -> None:
        self.bench.check()
        for queue in ("main", "other"):
            for status, number in self.model.counts(queue).items():
                assert self.bench.depth(status, queue) == number

    @invariant()
    def only_the_holders_have_leases(self) -> None:
        tokens = self.tokens[-MAX_BATCH:]
        extension = self.bench.run(self.bench.consumer.extend(tokens, LEASE_MS))
        assert sorted(extension.extended) == sorted(job_id for job_id, _ in self.model.holders.values())
        assert len(set(extension.extended)) == len(extension.extended)

    def teardown(self) -> None:
        try:
            tell_the_story(self.bench, self.model)
        finally:
            self.bench.close()

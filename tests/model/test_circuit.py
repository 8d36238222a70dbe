"""Circuit and retry budget of a kind do what a model of them does, whatever attempts come to."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from jobs.backends.redis.limits import RedisLimits
from jobs.domain.circuit import BudgetUse, Circuit, CircuitState, RetryBudget
from jobs.domain.job import JobError, JobSpec
from jobs.domain.lease import Lease
from jobs.domain.limit import Limit
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from tests.model.walk import Size, walk, walks
from tests.stores import BY, Bench

# The clock moves by whole tenths of the window from the middle of one, so that the time a call takes never matters.
STEP_MS = 100_000
CIRCUIT = Circuit(50, 4, 10 * STEP_MS, 150_000, 6 * STEP_MS, 2)
BUDGET = RetryBudget(50, 0, 10 * STEP_MS)
FAILURES = (OutcomeKind.FAILED, OutcomeKind.DISCARDED, OutcomeKind.CRASHED)
OUTCOMES = st.sampled_from([OutcomeKind.COMPLETED, *OutcomeKind, OutcomeKind.FAILED, OutcomeKind.FAILED])
CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


@dataclass
class Model:
    """A circuit and a budget as docs/limits.md tells them; times are in steps."""

    now: int = 0
    state: CircuitState = CLOSED
    until: float = 0
    trips: int = 0
    ended: list[tuple[int, bool]] = field(default_factory=list)
    trial: set[str] = field(default_factory=set)
    tried: list[bool] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    retries: list[int] = field(default_factory=list)

    def seen(self) -> CircuitState:
        """Return the state as it shows: over is half open, before anybody is on trial."""
        return HALF_OPEN if self.state is OPEN and self.now >= self.until else self.state

    def gate(self) -> float:
        """Return how many jobs may start."""
        if self.seen() is CLOSED:
            return float("inf")
        return 0 if self.seen() is OPEN else CIRCUIT.probes - len(self.trial) - len(self.tried)

    def window(self) -> list[bool]:
        """Return what attempts of the window came to: True for a failure."""
        return [failed for at, failed in self.ended if at > self.now - 10]

    def budget(self) -> tuple[int, int]:
        """Return first attempts and retries of the window."""
        count = [sum(at > self.now - 10 for at in times) for times in (self.firsts, self.retries)]
        return count[0], count[1]

    def grant(self) -> bool:
        """Tell whether a failed attempt is tried again as it asks, and count it."""
        firsts, retries = self.budget()
        is_granted = firsts * BUDGET.percent / 100 - retries >= 1
        self.retries += [self.now] * is_granted
        return is_granted

    def start(self, ids: list[str]) -> None:
        """Note who started."""
        if ids and self.seen() is not CLOSED:
            self.state = HALF_OPEN
            self.trial |= set(ids)

    def end(self, job_id: str, failed: bool | None) -> None:
        """Note what an attempt came to; None: nothing that says anything."""
        was_tried = job_id in self.trial
        self.trial.discard(job_id)
        if failed is None:
            return
        if self.state is CLOSED:
            self.ended.append((self.now, failed))
            window = self.window()
            if failed and len(window) >= CIRCUIT.least and sum(window) * 100 >= CIRCUIT.percent * len(window):
                self.open()
        elif self.state is HALF_OPEN and was_tried:
            self.tried.append(failed)
            if sum(self.tried) * 100 >= CIRCUIT.percent * CIRCUIT.probes:
                self.open()
            elif len(self.tried) >= CIRCUIT.probes:
                self.close()

    def open(self, *, by_hand: bool = False) -> None:
        """Let none start."""
        self.state, self.trips = OPEN, self.trips + 1
        cool_down_ms = min(CIRCUIT.cool_down_ms * 2 ** (self.trips - 1), CIRCUIT.max_cool_down_ms)
        self.until = float("inf") if by_hand else self.now + cool_down_ms / STEP_MS
        self.ended, self.trial, self.tried = [], set(), []

    def close(self) -> None:
        """Let all start."""
        self.state, self.trips, self.ended, self.trial, self.tried = CLOSED, 0, [], set(), []


class Circuits(RuleBasedStateMachine):
    """A kind with both, beside another in two queues."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        self.bench.advance(STEP_MS // 10 - self.bench.now() % STEP_MS + STEP_MS)
        self.limits, self.model = RedisLimits([self.bench.keys]), Model()
        limit = Limit(name="a", circuit=CIRCUIT, retry_budget=BUDGET, set_by=BY)
        assert self.bench.twice(self.limits.put(limit)) == "set"
        self.leases: list[Lease] = []

    @rule(kind=st.sampled_from("aab"), queue=st.sampled_from(["main", "other"]), amount=st.integers(1, 6))
    def submit(self, kind: str, queue: str, amount: int) -> None:
        self.bench.submit_all([JobSpec(kind=kind, queue=queue, max_retries=20)] * amount)

    @rule(order=st.sampled_from([("main", "other"), ("other", "main")]))
    def claim(self, order: tuple[str, ...]) -> None:
        gate, leases = self.model.gate(), self.bench.claim(200, order).leases
        mine = [lease.job.id for lease in leases if lease.job.kind == "a"]
        # Whoever falls due between two calls is promoted by a claim only, so this is who was left.
        left = [job.kind for job in self.bench.run(self.bench.inspector.list_jobs(Status.QUEUED, None, None, 200)).jobs]
        assert len(mine) == min(gate, len(mine) + left.count("a")), (self.model, left)
        assert "b" not in left
        self.leases += leases
        self.model.start(mine)

    @precondition(lambda self: self.leases)
    @rule(at=st.integers(0, 99), outcome=OUTCOMES)
    def settle(self, at: int, outcome: OutcomeKind) -> None:
        self._settle(self.leases.pop(at % len(self.leases)), outcome)

    @precondition(lambda self: self.leases)
    @rule(outcome=st.sampled_from([OutcomeKind.COMPLETED, OutcomeKind.FAILED]))
    def settle_all(self, outcome: OutcomeKind) -> None:
        for lease in self.leases:
            self._settle(lease, outcome)
        self.leases = []

    def _settle(self, lease: Lease, outcome: OutcomeKind) -> None:
        has_failed = True if outcome in FAILURES else False if outcome is OutcomeKind.COMPLETED else None
        delay_ms = 1_000 if outcome in (OutcomeKind.FAILED, OutcomeKind.SNOOZED) else None
        error = JobError("E", "no") if has_failed else None
        status = self.bench.settle(lease, outcome, delay_ms=delay_ms, error=error)
        if lease.job.kind != "a":
            return
        if lease.job.attempt == 1 and has_failed is not None:
            self.model.firsts.append(self.model.now)
        self.model.end(lease.job.id, has_failed)
        if outcome is OutcomeKind.FAILED and status is Status.FAILED:
            job, is_granted = self.bench.get(lease.job.id), self.model.grant()
            assert job.scheduled_for is not None
            assert (job.reason == "retry_budget") is (not is_granted)
            assert (job.scheduled_for - self.bench.now() < 2_000) is is_granted

    @precondition(lambda self: self.leases)
    @rule()
    def let_the_worker_die(self) -> None:
        self.bench.run(self.bench.maintainer.lose_worker("w1", "exit code 1", 0))
        for lease in self.leases:
            self.model.end(lease.job.id, None)
        self.leases = []

    @rule(state=st.sampled_from([CLOSED, OPEN]))
    def turn(self, state: CircuitState) -> None:
        assert self.bench.twice(self.limits.turn("a", state, BY, "why"))
        if state is OPEN and self.model.until != float("inf"):
            self.model.open(by_hand=True)
        elif state is CLOSED:
            if self.model.state is not CLOSED:
                self.model.close()
            self.model.until = 0

    @rule(steps=st.integers(1, 4))
    def wait(self, steps: int) -> None:
        self.bench.advance(steps * STEP_MS)
        self.model.now += steps

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        (use,) = self.bench.run(self.limits.of(kind="a"))
        assert use.circuit is not None
        assert use.circuit.state is self.model.seen(), self.model
        assert (use.circuit.opened, use.circuit.on_trial) == (self.model.trips, len(self.model.trial))
        ended = self.model.window() if self.model.state is CLOSED else self.model.tried
        assert (use.circuit.attempts, use.circuit.failures) == (len(ended), sum(ended))
        assert use.budget == BudgetUse(*self.model.budget())
        self.bench.check()

    def teardown(self) -> None:
        self.bench.close()


@walks(short=(25, 40), long=(300, 60))
@pytest.mark.usefixtures("_store_server")
def test_a_circuit_and_a_budget_are_what_their_model_is(size: Size) -> None:
    walk(Circuits, size)

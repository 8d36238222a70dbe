"""Acts on one workflow in any order: nothing counts twice, nothing waits for ever, and each end is told once."""

from __future__ import annotations

import random
import secrets
from itertools import permutations

import pytest

from jobs.domain.job import JobSpec
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from jobs.domain.workflow import OnParentFailure, Step, WorkflowSpec, WorkflowStatus, plan
from tests.graph import Graph, steps_after
from tests.stores import BY, Bench

ACTS = ("complete_a", "complete_a", "fail_b", "reinject_b", "grow", "cancel", "retry", "tend")
ORDERS = sorted(set(permutations(ACTS)))


class Play:
    """Two steps run, a third joins them; each act is carried out once more, as after a lost reply."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        steps = steps_after({"a": [], "b": [], "join": ["a", "b"]})
        self.graph = Graph(bench, WorkflowSpec(
            name="w", steps=steps, on_parent_failure=OnParentFailure.WAIT, callback=JobSpec(kind="tell", queue="done"),
        ))  # fmt: skip
        self.leases = self.graph.leases()

    def complete_a(self) -> None:
        lease = self.leases["a"]
        done = Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.COMPLETED, result=b"1")
        self.bench.twice(self.bench.consumer.settle([done]))

    def fail_b(self) -> None:
        lease = self.leases["b"]
        failed = Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.DISCARDED)
        self.bench.twice(self.bench.consumer.settle([failed]))

    def reinject_b(self) -> None:
        self.bench.twice(self.bench.operator.retry([self.leases["b"].job.id], secrets.token_hex(4), by=BY))

    def grow(self) -> None:
        there, holder = self.graph.steps(), self.leases["a"]
        added = Step(name="m", spec=JobSpec(kind="step", max_retries=0), after=("b",), before=("join",))
        numbers = {name: step.number for name, step in there.items()}
        placed = [(planned, self.bench.ids.make()) for planned in plan([added], numbers)]
        self.bench.twice(self.graph.calls.grow(self.graph.id, holder.job.id, holder.token, len(there), placed))

    def cancel(self) -> None:
        self.bench.twice(self.graph.calls.walk(self.graph.id, "cancel", secrets.token_hex(4), by=BY))

    def retry(self) -> None:
        self.bench.twice(self.graph.calls.walk(self.graph.id, "retry", secrets.token_hex(4), by=BY))

    def tend(self) -> None:
        self.graph.tend()

    def run_out(self) -> None:
        """Let workers do the rest; what they never do is a step before its parents."""
        while self.graph.look().status is WorkflowStatus.RUNNING:
            self.graph.tend()
            self.bench.advance(60_000)
            self.bench.run(self.bench.maintainer.reap())
            leases, steps = self.graph.leases(), self.graph.steps()
            by_number = {step.number: step.status for step in steps.values()}
            for name in leases:
                assert {by_number[parent] for parent in steps[name].parents} <= {Status.COMPLETED}, name
            for lease in leases.values():
                self.bench.settle(lease)
            dead = [step.job_id for step in steps.values() if step.status is Status.DEAD_LETTER]
            if not leases and dead:
                self.bench.run(self.bench.operator.discard(dead, secrets.token_hex(4), by=BY))
        self.graph.tend()


def play_out(order: tuple[str, ...]) -> None:
    with Bench() as bench:
        bench.run(bench.maintainer.reap())
        play = Play(bench)
        for act in order:
            getattr(play, act)()
            bench.check()
        play.run_out()
        found = play.graph.look()
        assert (found.waiting, found.active) == (0, 0)
        told = bench.claim(99, queues=("done",)).leases
        assert len(told) == found.run, "each run of it ended once"
        for lease in told:
            bench.settle(lease)


@pytest.mark.usefixtures("_store_server")
@pytest.mark.parametrize("number", [8, pytest.param(1_500, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_acts_in_any_order_leave_a_workflow_that_ends_and_says_so_once(number: int) -> None:
    for order in random.Random(number).sample(ORDERS, number):
        play_out(order)

"""Random graphs beside a small reference: each step goes when it may, and none waits for ever."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.job import JobSpec
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from jobs.domain.workflow import OnParentFailure, Step, WorkflowSpec, WorkflowStatus
from tests.graph import Graph
from tests.stores import BY, Bench

pytestmark = pytest.mark.usefixtures("_store_server")

ACTS = st.sampled_from(
    [
        "complete",
        "complete",
        "complete",
        "fail",
        "again",
        "lose",
        "cancel",
        "reinject",
        "discard",
        "purge",
        "tend",
        "walk",
    ]
)
FAILED = {Status.DEAD_LETTER, Status.CANCELLED}


@st.composite
def graphs(draw: st.DrawFn) -> WorkflowSpec:
    """Return a graph of up to 30 steps; each has parents among those before it."""
    size = draw(st.integers(1, 30))
    steps = []
    for number in range(size):
        parents = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set()
        policy = draw(st.sampled_from([None, *OnParentFailure]))
        spec = JobSpec(kind="step", max_retries=0)
        after = tuple(f"s{parent}" for parent in sorted(parents))
        steps.append(Step(name=f"s{number}", spec=spec, after=after, on_parent_failure=policy))
    shuffled = draw(st.permutations(steps))
    return WorkflowSpec(name="w", steps=tuple(shuffled), on_parent_failure=draw(st.sampled_from(OnParentFailure)))


class Play:
    """What happens to one workflow, and what must hold after each act."""

    def __init__(self, bench: Bench, spec: WorkflowSpec) -> None:
        self.bench = bench
        self.graph = Graph(bench, spec)
        self.policies = {step.name: step.on_parent_failure or spec.on_parent_failure for step in spec.steps}
        self.after = {step.name: step.after for step in spec.steps}
        self.held: list[Lease] = []
        self.settled: list[Settlement] = []

    def act(self, what: str, pick: int) -> None:
        """Do something to a step that the number picks."""
        before = self.statuses()
        job_ids = [state.job_id for state in self.graph.steps().values()]
        getattr(self, f"_{what}")(job_ids[pick % len(job_ids)], pick)
        self.bench.check()
        self.judge(before)

    def statuses(self) -> dict[str, Status | None]:
        return {name: state.status for name, state in self.graph.steps().items()}

    def judge(self, before: dict[str, Status | None]) -> None:
        """What left its wait in this act was let go by its parents, or given up."""
        after = self.statuses()
        for name, status in after.items():
            parents = {after[parent] for parent in self.after[name]}
            if before[name] is Status.WAITING and status is Status.QUEUED:
                done = {Status.COMPLETED} | (FAILED if self.policies[name] is OnParentFailure.CONTINUE else set())
                assert parents <= done, (name, parents)

    def _settle(self, outcome: OutcomeKind) -> None:
        lease = self.held.pop(0) if self.held else next(iter(self.bench.claim(1).leases), None)
        if lease is not None:
            self.settled.append(Settlement(job_id=lease.job.id, token=lease.token, outcome=outcome, result=b"1"))
            self.bench.twice(self.bench.consumer.settle(self.settled[-1:]))

    def _complete(self, *_: object) -> None:
        self.held += self.bench.claim(2).leases
        self._settle(OutcomeKind.COMPLETED)

    def _fail(self, *_: object) -> None:
        self._settle(OutcomeKind.DISCARDED)

    def _again(self, *_: object) -> None:
        if self.settled:
            self.bench.run(self.bench.consumer.settle(self.settled[-1:]))

    def _lose(self, *_: object) -> None:
        self.bench.advance(60_000)
        self.bench.run(self.bench.maintainer.reap())
        self.bench.run(self.bench.maintainer.promote_due())
        self.held = []

    def _cancel(self, job_id: str, _: int) -> None:
        self.bench.cancel(job_id, running=True)

    def _reinject(self, job_id: str, _: int) -> None:
        self.bench.run(self.bench.operator.retry([job_id], secrets.token_hex(4), by=BY))

    def _discard(self, job_id: str, _: int) -> None:
        self.bench.run(self.bench.operator.discard([job_id], secrets.token_hex(4), by=BY))

    def _purge(self, _: str, pick: int) -> None:
        if pick % 4 == 0:
            self.bench.run(self.bench.operator.purge("main", secrets.token_hex(4), self.bench.now(), 0, by=BY))

    def _tend(self, *_: object) -> None:
        self.graph.tend()

    def _walk(self, _: str, pick: int) -> None:
        if pick % 3 == 0:
            verb = "cancel" if pick % 2 else "retry"
            self.bench.run(self.graph.calls.walk(self.graph.id, verb, secrets.token_hex(4), by=BY))

    def drain(self) -> None:
        """Let workers do all that there is, and give up the dead letters that others wait for."""
        self.graph.tend()
        for _ in range(200):
            self._lose()
            leases = self.bench.claim(200).leases
            for lease in leases:
                self.bench.settle(lease)
            self.graph.tend()
            dead = [state.job_id for state in self.graph.steps().values() if state.status is Status.DEAD_LETTER]
            if not leases and self.graph.look().status is WorkflowStatus.RUNNING and dead:
                self.bench.run(self.bench.operator.discard(dead, secrets.token_hex(4), by=BY))
            elif not leases:
                return


ACT_LISTS = st.lists(st.tuples(ACTS, st.integers(0, 10_000)), max_size=40)


def play_out(spec: WorkflowSpec, acts: list[tuple[str, int]]) -> None:
    """Do all that, then let everything end, and judge."""
    with Bench() as bench:
        bench.run(bench.maintainer.reap())
        play = Play(bench, spec)
        for what, pick in acts:
            play.act(what, pick)
        play.drain()
        found = play.graph.look()
        assert found.status is not WorkflowStatus.RUNNING
        assert (found.waiting, found.active) == (0, 0)
        assert set(play.statuses().values()) <= {Status.COMPLETED, *FAILED}


@settings(max_examples=12, deadline=None)
@given(graphs(), ACT_LISTS)
def test_every_step_ends_and_none_before_its_parents(spec: WorkflowSpec, acts: list[tuple[str, int]]) -> None:
    play_out(spec, acts)


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=300, deadline=None)
@given(graphs(), ACT_LISTS)
def test_every_step_ends_and_none_before_its_parents_for_long(spec: WorkflowSpec, acts: list[tuple[str, int]]) -> None:
    play_out(spec, acts)


@settings(max_examples=15, deadline=None)
@given(graphs())
def test_undisturbed_each_step_runs_once_after_all_its_parents(spec: WorkflowSpec) -> None:
    with Bench() as bench:
        graph = Graph(bench, spec)
        rounds = graph.run_out()
        order = {name: number for number, names in enumerate(rounds) for name in names}
        assert sum(map(len, rounds)) == len(spec.steps)
        assert all(order[parent] < order[step.name] for step in spec.steps for parent in step.after)
        assert graph.look().status is WorkflowStatus.COMPLETED

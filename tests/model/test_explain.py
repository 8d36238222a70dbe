"""What explain says of a job is what the next claim makes of it, after any sequence of calls."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from jobs.backends.redis.limits import RedisLimits
from jobs.backends.redis.tenants import RedisTenants
from jobs.domain.explanation import Explanation, explain
from jobs.domain.job import JobSpec
from jobs.domain.lease import Lease
from jobs.domain.limit import Limit, Rate
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.quota import Quota
from jobs.domain.status import Status
from jobs.domain.workflow import OnParentFailure, WorkflowSpec
from tests.graph import Graph, steps_after
from tests.model.walk import Size, walk, walks
from tests.stores import BY, LEASE_MS, Bench

HOUR_MS = 3_600_000
kinds, queues = st.sampled_from(["a", "b"]), st.sampled_from(["main", "mail"])


class Machine(RuleBasedStateMachine):
    """Two kinds in two queues."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        self.bench.run(self.bench.maintainer.reap())
        self.leases: list[Lease] = []
        self.ids: list[str] = []
        self.graphs: list[Graph] = []

    @rule(kind=kinds, queue=queues, priority=st.sampled_from(Priority), expires=st.booleans(), later=st.booleans())
    def submit(self, kind: str, queue: str, priority: Priority, expires: bool, later: bool) -> None:
        now = self.bench.now()
        expires_at = now + HOUR_MS + 1 if expires else None
        due = now + HOUR_MS // 2 if later else None
        spec = JobSpec(kind=kind, queue=queue, priority=priority, expires_at=expires_at, scheduled_for=due)
        self.ids.append(self.bench.submit_all([spec])[0].job_id)

    @precondition(lambda self: len(self.graphs) < 3)
    @rule(policy=st.sampled_from(OnParentFailure))
    def submit_workflow(self, policy: OnParentFailure) -> None:
        steps = steps_after({"a": [], "b": [], "c": ["a", "b"], "d": ["b", "c"]})
        graph = Graph(self.bench, WorkflowSpec(name="w", steps=steps, on_parent_failure=policy))
        self.graphs.append(graph)
        self.ids += [step.job_id for step in graph.steps().values()]

    @rule(kind=kinds, concurrency=st.none() | st.integers(1, 2), has_rate=st.booleans())
    def limit(self, kind: str, concurrency: int | None, has_rate: bool) -> None:
        limits = RedisLimits([self.bench.keys])
        if concurrency is None and not has_rate:
            self.bench.run(limits.drop(kind))
        else:
            rate = Rate(2, 24 * HOUR_MS, 2) if has_rate else None
            self.bench.run(limits.put(Limit(name=kind, concurrency=concurrency, rate=rate, set_by=BY)))

    @rule(most=st.none() | st.integers(1, 3))
    def bound(self, most: int | None) -> None:
        self.bench.run(RedisTenants([self.bench.keys]).set_quota(Quota(running=most)))

    @rule(queue=queues, is_paused=st.booleans())
    def pause(self, queue: str, is_paused: bool) -> None:
        operator = self.bench.operator
        call = operator.pause(queue, by=BY, reason="r") if is_paused else operator.resume(queue, by=BY)
        self.bench.run(call)

    @rule(step_ms=st.sampled_from([LEASE_MS, HOUR_MS]))
    def let_time_pass(self, step_ms: int) -> None:
        self.bench.advance(step_ms)
        self.bench.run(self.bench.maintainer.reap())
        self.leases.clear()

    @precondition(lambda self: self.leases)
    @rule(outcome=st.sampled_from(OutcomeKind))
    def settle(self, outcome: OutcomeKind) -> None:
        lease = self.leases.pop()
        before = self.waited_for()
        if self.bench.settle(lease, outcome, delay_ms=HOUR_MS) is not Status.COMPLETED:
            return
        for job_id, parents in before.items():
            assert (self.bench.get(job_id).status is Status.WAITING) == (parents != {lease.job.id})

    def waited_for(self) -> dict[str, set[str]]:
        """Return the jobs that each step is said to wait for; they are those of its parents that are not done."""
        found = {}
        for graph in self.graphs:
            steps = graph.steps()
            is_enough = {Status.COMPLETED}
            if graph.spec.on_parent_failure is OnParentFailure.CONTINUE:
                is_enough |= {Status.DEAD_LETTER, Status.CANCELLED}
            for step in steps.values():
                if step.status is Status.WAITING:
                    explained = self.explained(step.job_id)
                    assert explained is not None
                    said = {job_id for reason in explained.reasons for job_id in reason.jobs}
                    parents = [parent for parent in steps.values() if parent.number in step.parents]
                    assert said == {parent.job_id for parent in parents if parent.status not in is_enough}
                    found[step.job_id] = said
        return found

    def explained(self, job_id: str) -> Explanation | None:
        at = self.bench.run(self.bench.inspector.explain(job_id))
        return None if at is None else explain(job_id, at, is_served=True, is_known=True)

    @precondition(lambda self: self.ids)
    @rule(queue=queues, limit=st.sampled_from([1, 9]))
    def the_claim_does_what_was_said(self, queue: str, limit: int) -> None:
        # What falls due meanwhile would be made ready by the claim itself.
        self.bench.run(self.bench.maintainer.promote_due())
        self.waited_for()
        said = {job_id: found for job_id in self.ids if (found := self.explained(job_id)) is not None}
        leases = self.bench.claim(limit, (queue,)).leases
        self.leases += leases
        taken = [lease.job.id for lease in leases]
        for job_id in taken:
            assert said[job_id].may_start, said[job_id]
        first = next((job_id for job_id, it in said.items() if it.ahead == 0 and it.may_start
                      and self.bench.get(job_id).queue == queue), None)  # fmt: skip
        if first is not None:
            assert first in taken
        for job_id, it in said.items():
            if not it.may_start:
                assert job_id not in taken
            assert it.reasons

    def teardown(self) -> None:
        self.bench.close()


@walks(short=(20, 40), long=(200, 50))
@pytest.mark.usefixtures("_store_server")
def test_the_next_claim_does_what_explain_says(size: Size) -> None:
    walk(Machine, size)

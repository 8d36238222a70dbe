"""Workflows on a bench: put in as the service does, and told by the names of their steps."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.workflows import MAX_STAGED, Placed, StageCode, StartCode
from jobs.domain.job import JobSpec
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind
from jobs.domain.workflow import OnParentFailure, Step, StepState, Workflow, WorkflowSpec, plan
from tests.stores import BY, Bench


def steps_after(
    after: Mapping[str, Sequence[str]], policies: Mapping[str, OnParentFailure] | None = None, **fields: object
) -> tuple[Step, ...]:
    """Return steps of the kind `step`, by the names of their parents; one without retries unless `fields` say so."""
    spec = JobSpec(kind="step", **({"max_retries": 0} | fields))  # type: ignore[arg-type]
    found = policies or {}
    return tuple(
        Step(name=name, spec=spec, after=tuple(parents), on_parent_failure=found.get(name))
        for name, parents in after.items()
    )


class Graph:
    """One workflow of a bench."""

    def __init__(self, bench: Bench, spec: WorkflowSpec, *, is_started: bool = True) -> None:
        self.bench = bench
        self.spec = spec
        self.calls = RedisBackend(shards=bench.shards).workflows(bench.namespace)
        self.id = bench.ids.make()
        self.placed: list[Placed] = [(planned, bench.ids.make()) for planned in plan(spec.steps)]
        for first in range(0, len(self.placed), MAX_STAGED):
            batch = self.placed[first : first + MAX_STAGED]
            assert bench.twice(self.calls.stage(self.id, spec, batch, by=BY)) is StageCode.STAGED
        if is_started:
            self.start()

    def start(self, key: str = "", fingerprint: str = "") -> tuple[StartCode, str]:
        """Make it live."""
        roots = [planned.number for planned, _ in self.placed if not planned.parents]
        return self.bench.twice(self.calls.start(self.id, roots, key, fingerprint))

    def placed_ids(self) -> dict[str, str]:
        """Return the job of each step by name, as it was put in."""
        return {planned.step.name: job_id for planned, job_id in self.placed}

    def look(self) -> Workflow:
        """Return the workflow, which must be there."""
        found = self.bench.run(self.calls.get(self.id, 1, 0))
        assert found is not None
        return found[0]

    def steps(self) -> dict[str, StepState]:
        """Return its steps by name."""
        found = self.bench.run(self.calls.get(self.id, 1, 500))
        assert found is not None
        return {step.name: step for step in found[1]}

    def statuses(self) -> dict[str, str]:
        """Return the status of each step's job."""
        return {name: str(step.status) for name, step in self.steps().items()}

    def tend(self) -> None:
        """Do what is left to do."""
        while self.bench.run(self.bench.maintainer.tend()):
            pass

    def walk(self, verb: str) -> str:
        """Cancel the rest, or retry, and do it all."""
        code, _ = self.bench.twice(self.calls.walk(self.id, verb, secrets.token_hex(4), by=BY))  # type: ignore[arg-type]
        self.tend()
        return code

    def leases(self, limit: int = 200) -> dict[str, Lease]:
        """Claim what is ready, by the names of the steps."""
        return {lease.job.step or "": lease for lease in self.bench.claim(limit).leases}

    def run_out(self, failing: Sequence[str] = ()) -> list[set[str]]:
        """Let workers do all that becomes ready, and return the steps of each round."""
        rounds = []
        while leases := self.leases():
            rounds.append(set(leases))
            for name, lease in leases.items():
                if name in failing:
                    self.bench.fail(lease)
                else:
                    self.bench.settle(lease, OutcomeKind.COMPLETED, result=f'"{name}"'.encode())
        return rounds


def holder_of(bench: Bench, queue: str) -> tuple[str, str, str]:
    """Return a workflow whose only step runs, the job of that step and the token of its lease."""
    graph = Graph(bench, WorkflowSpec(name="w", steps=steps_after({"a": []}, queue=queue)))
    lease = bench.lease(queues=(queue,))
    return graph.id, lease.job.id, lease.token


def made(bench: Bench, after: dict[str, list[str]], **more: object) -> Graph:
    return Graph(bench, WorkflowSpec(name="w", steps=steps_after(after), **more))  # type: ignore[arg-type]

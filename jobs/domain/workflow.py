"""A workflow: jobs that are the nodes of a graph without cycles. What a client asks for, and the plan to store."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from jobs.domain.job import JobSpec
from jobs.domain.status import Status

MAX_STEPS = 10_000
MAX_EDGES = 50_000
# Of one call while the workflow runs; it is one step of the store.
MAX_ADDED = 200


class OnParentFailure(StrEnum):
    """What a step does when a parent became a dead letter or was cancelled.

    A cancelled parent never runs again, so `wait` gives up then as `cancel` does.
    """

    CANCEL = "cancel"
    CONTINUE = "continue"
    WAIT = "wait"


class WorkflowStatus(StrEnum):
    """How far a workflow is. It fails when any of its steps did not complete."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it was asked for; `after` and `before` name other steps. A policy of None: the workflow's."""

    name: str
    spec: JobSpec
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    on_parent_failure: OnParentFailure | None = None


class WorkflowSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow as it was asked for, already validated. `callback` and `webhook` hear of each end."""

    name: str
    steps: tuple[Step, ...]
    on_parent_failure: OnParentFailure = OnParentFailure.CANCEL
    callback: JobSpec | None = None
    webhook: str | None = None


class PlannedStep(msgspec.Struct, frozen=True):
    """A step with its number, those of its parents and those of its children."""

    number: int
    step: Step
    parents: tuple[int, ...]
    children: tuple[int, ...]


class StepState(msgspec.Struct, frozen=True):
    """A step as it is; a status of None: its job was removed by retention or a purge."""

    number: int
    name: str
    job_id: str
    status: Status | None
    parents: tuple[int, ...]
    on_parent_failure: OnParentFailure | None = None


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow as it is. Times are Unix ms.

    `active` counts what is queued, scheduled, runs or waits for a retry. `run` rises when it runs on after its end.
    """

    id: str
    name: str
    status: WorkflowStatus
    created_at: int
    finished_at: int | None
    steps: int
    waiting: int
    active: int
    completed: int
    dead_letter: int
    cancelled: int
    on_parent_failure: OnParentFailure
    run: int = 1
    cancel_requested: bool = False
    is_walking: bool = False
    created_by: str = ""
    webhook: str | None = None

    @property
    def is_blocked(self) -> bool:
        """Tell whether it goes on only when somebody re-injects a dead letter."""
        return self.status is WorkflowStatus.RUNNING and self.waiting > 0 and self.active == 0 and self.dead_letter > 0


def cycle_in(after: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the steps of a cycle, each after the next, () where there is none. `after` knows every name."""
    left = {name: len(set(parents)) for name, parents in after.items()}
    children: dict[str, list[str]] = {name: [] for name in after}
    for name, parents in after.items():
        for parent in set(parents):
            children[parent].append(name)
    ready = deque(name for name, number in left.items() if number == 0)
    while ready:
        for child in children[ready.popleft()]:
            left[child] -= 1
            if left[child] == 0:
                ready.append(child)
    stuck = [name for name, number in left.items() if number]
    if not stuck:
        return ()
    # Each of them has a parent among them: whoever goes up comes round.
    path: list[str] = []
    places: dict[str, int] = {}
    name = stuck[0]
    while name not in places:
        places[name] = len(path)
        path.append(name)
        name = next(parent for parent in after[name] if left[parent])
    return tuple(path[places[name] :])


def plan(steps: Iterable[Step], known: Mapping[str, int] | None = None) -> tuple[PlannedStep, ...]:
    """Return steps that are known to be sound in an order in which no parent stands behind a child, numbered from 1.

    `known` are steps that are there already, by name: then numbers go on behind theirs.
    """
    known = known or {}
    given = {step.name: step for step in steps}
    after: dict[str, list[str]] = {name: list(dict.fromkeys(step.after)) for name, step in given.items()}
    for step in given.values():
        for child in step.before:
            if child in given and step.name not in after[child]:
                after[child].append(step.name)
    numbers: dict[str, int] = dict(known)
    for name in _in_order(after, given):
        numbers[name] = len(numbers) + 1
    children: dict[str, list[int]] = {
        name: [numbers[child] for child in dict.fromkeys(step.before) if child not in given]
        for name, step in given.items()
    }
    for name, parents in after.items():
        for parent in parents:
            if parent in children:
                children[parent].append(numbers[name])
    return tuple(
        PlannedStep(
            numbers[name], given[name], tuple(sorted(numbers[parent] for parent in after[name])),
            tuple(sorted(children[name])),
        )
        for name in sorted(given, key=numbers.__getitem__)
    )  # fmt: skip


def _in_order(after: Mapping[str, Sequence[str]], given: Mapping[str, Step]) -> list[str]:
    left = {name: sum(parent in given for parent in parents) for name, parents in after.items()}
    children: dict[str, list[str]] = {name: [] for name in given}
    for name, parents in after.items():
        for parent in parents:
            if parent in children:
                children[parent].append(name)
    ready = deque(name for name in given if left[name] == 0)
    order = []
    while ready:
        name = ready.popleft()
        order.append(name)
        for child in children[name]:
            left[child] -= 1
            if left[child] == 0:
                ready.append(child)
    return order

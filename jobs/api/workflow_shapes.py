"""Workflows as programs see them over HTTP."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.instant import instant, rfc3339
from jobs.domain.status import Status
from jobs.domain.workflow import OnParentFailure, StepState, Workflow, WorkflowStatus
from jobs.services.workflow_reading import WorkflowDetails


class WorkflowCountsShape(msgspec.Struct, frozen=True):
    """Steps by what they are; `active` are queued, scheduled, running or wait for a retry."""

    waiting: int
    active: int
    completed: int
    dead_letter: int
    cancelled: int


class WorkflowSummaryShape(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow. `is_blocked`: it goes on only when a dead letter is re-injected. `run` rises with each retry."""

    id: str
    name: str
    status: WorkflowStatus
    created_at: str
    finished_at: str | None
    step_count: int
    counts: WorkflowCountsShape
    on_parent_failure: OnParentFailure
    is_blocked: bool
    cancel_requested: bool
    run: int
    created_by: str


class StepShape(msgspec.Struct, frozen=True):
    """A step. A job that was removed meanwhile has the status with which it ended."""

    name: str
    job_id: str
    status: Status | None
    after: tuple[str, ...]
    on_parent_failure: OnParentFailure | None


class WorkflowShape(WorkflowSummaryShape, frozen=True, kw_only=True):
    """A workflow with its steps, no parent behind a child but for those that were added."""

    steps: tuple[StepShape, ...]


class WorkflowListShape(msgspec.Struct, frozen=True):
    """Workflows, the newest start first."""

    data: tuple[WorkflowSummaryShape, ...]
    page: PageShape


def summary_shape(workflow: Workflow) -> WorkflowSummaryShape:
    """Return a workflow without its steps."""
    return WorkflowSummaryShape(
        id=workflow.id,
        name=workflow.name,
        status=workflow.status,
        created_at=instant(workflow.created_at),
        finished_at=rfc3339(workflow.finished_at),
        step_count=workflow.steps,
        counts=WorkflowCountsShape(
            workflow.waiting, workflow.active, workflow.completed, workflow.dead_letter, workflow.cancelled
        ),
        on_parent_failure=workflow.on_parent_failure,
        is_blocked=workflow.is_blocked,
        cancel_requested=workflow.cancel_requested,
        run=workflow.run,
        created_by=workflow.created_by,
    )


def workflow_shape(details: WorkflowDetails) -> WorkflowShape:
    """Return a workflow with its steps."""
    names = {state.number: state.name for state in details.steps}
    steps = tuple(_step_shape(state, names) for state in details.steps)
    return WorkflowShape(**msgspec.structs.asdict(summary_shape(details.workflow)), steps=steps)


def _step_shape(state: StepState, names: dict[int, str]) -> StepShape:
    after = tuple(names[parent] for parent in state.parents if parent in names)
    return StepShape(state.name, state.job_id, state.status, after, state.on_parent_failure)

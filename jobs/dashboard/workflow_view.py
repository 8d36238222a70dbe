"""What the pages of workflows show: how far each is, its steps in a table, and what may be done to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.dashboard.look import Look
from jobs.dashboard.shell import Rights
from jobs.dashboard.workflow_graph import look_of
from jobs.domain.status import Status
from jobs.domain.workflow import StepState, Workflow, WorkflowStatus

# What of the steps a tab of the page shows, by the words that the API counts them with.
GROUPS: dict[str, tuple[str, frozenset[Status]]] = {
    "waiting": ("Waiting", frozenset({Status.WAITING})),
    "active": ("Active", frozenset({Status.QUEUED, Status.SCHEDULED, Status.RUNNING, Status.FAILED})),
    "completed": ("Completed", frozenset({Status.COMPLETED})),
    "dead_letter": ("Dead letters", frozenset({Status.DEAD_LETTER})),
    "cancelled": ("Cancelled", frozenset({Status.CANCELLED})),
}
WORKFLOW_LOOK: dict[WorkflowStatus, Look] = {
    WorkflowStatus.RUNNING: Look("Running", "progress", "s-running", "running: steps wait or are active"),
    WorkflowStatus.COMPLETED: Look("Completed", "circle-check", "s-completed", "completed: each step completed"),
    WorkflowStatus.FAILED: Look("Failed", "circle-x", "s-dead_letter", "failed: steps failed or were cancelled"),
    WorkflowStatus.CANCELLED: Look("Cancelled", "ban", "s-cancelled", "cancelled by somebody"),
}
BLOCKED = Look("Blocked", "hourglass", "s-failed", "running, but only a re-injected dead letter lets it go on")
_SEGMENTS = (("completed", "completed"), ("active", "run"), ("dead_letter", "dead"), ("cancelled", "wait"))
_PARENTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the bar; `css` names its colour, start and width are percent."""

    css: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Progress:
    """A workflow and how far it is."""

    workflow: Workflow
    look: Look
    percent: int
    said: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step in the table: its parents, and how many more there are than are named."""

    step: StepState
    look: Look
    after: tuple[StepState, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Acts:
    """What is asked before each act, None where it is not to be had."""

    cancel: str | None
    retry: str | None


def progress_of(workflow: Workflow) -> Progress:
    """Return how far a workflow is; what failed counts as ended, not as done."""
    counts = counts_of(workflow)
    total = max(workflow.steps, 1)
    segments, start = [], 0.0
    for name, css in _SEGMENTS:
        width = counts[name] * 100 / total
        if width:
            segments.append(Segment(css, round(start, 2), round(width, 2)))
        start += width
    told = [f"{counts[name]:,} {label.lower()}" for name, (label, _) in GROUPS.items() if counts[name]]
    said = f"{workflow.completed:,} of {workflow.steps:,} steps completed: {', '.join(told)}"
    look = BLOCKED if workflow.is_blocked else WORKFLOW_LOOK[workflow.status]
    return Progress(workflow, look, workflow.completed * 100 // total, said, tuple(segments))


def counts_of(workflow: Workflow) -> Mapping[str, int]:
    """Return the number of steps in each group."""
    return {name: int(getattr(workflow, name)) for name in GROUPS}


def rows_of(steps: Sequence[StepState], shown: Sequence[StepState]) -> list[StepRow]:
    """Return rows for some of all steps."""
    by_number = {step.number: step for step in steps}
    rows = []
    for step in shown:
        parents = [by_number[number] for number in step.parents if number in by_number]
        named = tuple(parents[:_PARENTS_SHOWN])
        rows.append(StepRow(step, look_of(step.status), named, len(parents) - len(named)))
    return rows


def acts_of(workflow: Workflow, may: Rights) -> Acts:
    """Return what may be done in this state by this person."""
    left = workflow.waiting + workflow.active
    failed, cancelled = workflow.dead_letter, workflow.cancelled
    is_running = workflow.status is WorkflowStatus.RUNNING
    can_retry = not workflow.is_walking and (failed > 0 or (cancelled > 0 and not is_running))
    return Acts(
        cancel=_cancel_question(left) if may.workflow_cancel and is_running and not workflow.is_walking else None,
        retry=_retry_question(failed, cancelled) if may.workflow_retry and can_retry else None,
    )


def _cancel_question(left: int) -> str:
    who = f"The {left:,} steps that have not ended are" if left != 1 else "The one step that has not ended is"
    return f"{who} cancelled; a handler that runs is asked to stop. What completed stays as it is."


def _retry_question(failed: int, cancelled: int) -> str:
    parts = []
    if failed:
        parts.append(f"{failed:,} dead letter{'s go' if failed != 1 else ' goes'} back to the queue")
    if cancelled:
        parts.append(f"{cancelled:,} cancelled step{'s get new jobs' if cancelled != 1 else ' gets a new job'}")
    return f"{' and '.join(parts)}. What completed is not run again."

"""What the pages of workflows show: how far each is, its steps in a table, and what may be done to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from jobs.dashboard.look import Look
from jobs.dashboard.shell import Rights
from jobs.dashboard.workflow_graph import look_of
from jobs.domain.status import Status
from jobs.domain.workflow import StepState, Workflow, WorkflowStatus

# What of the steps a tab of the page shows, by the words that the API counts them with.
GROUPS: dict[str, tuple[str, frozenset[Status]]] = {
    "waiting": (gettext_noop("Waiting"), frozenset({Status.WAITING})),
    "active": (gettext_noop("Active"), frozenset({Status.QUEUED, Status.SCHEDULED, Status.RUNNING, Status.FAILED})),
    "completed": (gettext_noop("Completed"), frozenset({Status.COMPLETED})),
    "dead_letter": (gettext_noop("Dead letters"), frozenset({Status.DEAD_LETTER})),
    "cancelled": (gettext_noop("Cancelled"), frozenset({Status.CANCELLED})),
}
WORKFLOW_LOOK: dict[WorkflowStatus, Look] = {
    WorkflowStatus.RUNNING: Look(
        gettext_noop("Running"), "progress", "s-running", gettext_noop("running: steps wait or are active")
    ),
    WorkflowStatus.COMPLETED: Look(
        gettext_noop("Completed"), "circle-check", "s-completed", gettext_noop("completed: each step completed")
    ),
    WorkflowStatus.FAILED: Look(
        gettext_noop("Failed"), "circle-x", "s-dead_letter", gettext_noop("failed: steps failed or were cancelled")
    ),
    WorkflowStatus.CANCELLED: Look(
        gettext_noop("Cancelled"), "ban", "s-cancelled", gettext_noop("cancelled by somebody")
    ),
}
BLOCKED = Look(
    gettext_noop("Blocked"),
    "hourglass",
    "s-failed",
    gettext_noop("running, but only a re-injected dead letter lets it go on"),
)
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
    told = [f"{counts[name]:,} {_(label).lower()}" for name, (label, _states) in GROUPS.items() if counts[name]]
    numbers = {"done": f"{workflow.completed:,}", "all": f"{workflow.steps:,}", "rest": ", ".join(told)}
    said = _("%(done)s of %(all)s steps completed: %(rest)s") % numbers
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
    said = ngettext(
        "The one step that has not ended is cancelled; a handler that runs is asked to stop. "
        "What completed stays as it is.",
        "The %(n)s steps that have not ended are cancelled; a handler that runs is asked to stop. "
        "What completed stays as it is.",
        left,
    )
    return said % {"n": f"{left:,}"}


def _retry_question(failed: int, cancelled: int) -> str:
    back = ngettext("%(n)s dead letter goes back to the queue", "%(n)s dead letters go back to the queue", failed)
    anew = ngettext("%(n)s cancelled step gets a new job", "%(n)s cancelled steps get new jobs", cancelled)
    back, anew = back % {"n": f"{failed:,}"}, anew % {"n": f"{cancelled:,}"}
    acts = (
        _("%(back)s and %(anew)s") % {"back": back, "anew": anew} if failed and cancelled else back if failed else anew
    )
    return _("%s. What completed is not run again.") % acts

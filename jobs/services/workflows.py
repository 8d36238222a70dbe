"""Workflows: looked at, cancelled and retried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.workflows import Place
from jobs.domain.errors import StateConflict
from jobs.domain.workflow import Workflow, WorkflowStatus
from jobs.services.acts import act_id, record_act, require_audit_log
from jobs.services.workflow_reading import WorkflowDetails, calls_of, canonical_id, details_of, no_such_workflow

MAX_LISTED = 200
# Lists with a status look at no more.
MAX_LOOKED_AT = 2_000
# Of a walk that goes on after the answer, in the upkeep of any worker.
_TURNS = 20


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """Workflows, the newest start first, and the place to go on from."""

    workflows: tuple[Workflow, ...]
    after: Place | None


def get_workflow(actor: Actor, workflow_id: str) -> WorkflowDetails:
    """Return a workflow and its steps. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.WORKFLOW_READ)
    return details_of(actor, canonical_id(workflow_id))


def list_workflows(actor: Actor, status: WorkflowStatus | None, after: Place | None, limit: int) -> WorkflowPage:
    """Return up to `limit` workflows. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.WORKFLOW_READ)
    found: list[Workflow] = []
    looked_at = 0
    while looked_at < MAX_LOOKED_AT:
        part = wiring.runner().run(calls_of(actor).newest(after, MAX_LISTED))
        for place, workflow in part:
            looked_at, after = looked_at + 1, place
            if status is None or workflow.status is status:
                found.append(workflow)
                if len(found) == limit:
                    return WorkflowPage(tuple(found), after)
        if len(part) < MAX_LISTED:
            return WorkflowPage(tuple(found), None)
    return WorkflowPage(tuple(found), after)


def cancel_workflow(actor: Actor, workflow_id: str, *, reason: str = "") -> WorkflowDetails:
    """Cancel the steps that have not ended, and ask those that run to stop.

    Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict `workflow_ended`.
    """
    return _walk(actor, Action.WORKFLOW_CANCEL, "cancel", workflow_id, reason)


def retry_workflow(actor: Actor, workflow_id: str, *, reason: str = "") -> WorkflowDetails:
    """Run again the steps that failed or were cancelled, and so those behind them.

    Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict `nothing_failed`.
    """
    return _walk(actor, Action.WORKFLOW_RETRY, "retry", workflow_id, reason)


def _walk(
    actor: Actor, action: Action, verb: Literal["cancel", "retry"], workflow_id: str, reason: str
) -> WorkflowDetails:
    policy.authorize(actor, action)
    require_audit_log()
    calls, canonical = calls_of(actor), canonical_id(workflow_id)
    code, status = wiring.runner().run(calls.walk(canonical, verb, act_id(), by=actor.label))
    if code == "not_found":
        raise no_such_workflow(workflow_id)
    if code == "conflict":
        what = "workflow_ended" if verb == "cancel" else "nothing_failed"
        raise StateConflict(f"There is nothing to {verb}. The workflow is {status}.", status=status, code=what)
    for _ in range(_TURNS):
        if not wiring.runner().run(calls.tend(canonical)):
            break
    record_act(actor, action, "workflow", canonical, reason=reason)
    return details_of(actor, canonical)

"""Reads what the scripts answer about workflows. What was damaged from outside must not hide the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs.backends.redis.codec import text_of
from jobs.domain.status import Status
from jobs.domain.workflow import OnParentFailure, StepState, Workflow, WorkflowStatus

# In the order of include/workflow_head.lua; a test compares them.
HEAD_FIELDS = (
    "name",
    "status",
    "created",
    "finished_at",
    "steps",
    "w",
    "a",
    "c",
    "d",
    "x",
    "policy",
    "cancel_by",
    "run",
    "walks",
    "created_by",
    "webhook",
)
_ENDS = {"c": Status.COMPLETED, "d": Status.DEAD_LETTER, "x": Status.CANCELLED}


def decode_head(workflow_id: str, values: Sequence[bytes | None]) -> Workflow:
    """Return a workflow from the values of HEAD_FIELDS."""
    raw = {name: text_of(value) for name, value in zip(HEAD_FIELDS, values, strict=True) if value is not None}
    return Workflow(
        id=workflow_id,
        name=raw.get("name", ""),
        status=_one_of(WorkflowStatus, raw.get("status"), WorkflowStatus.FAILED),
        created_at=_number(raw, "created"),
        finished_at=_number(raw, "finished_at") or None,
        steps=_number(raw, "steps"),
        waiting=_number(raw, "w"),
        active=_number(raw, "a"),
        completed=_number(raw, "c"),
        dead_letter=_number(raw, "d"),
        cancelled=_number(raw, "x"),
        on_parent_failure=_one_of(OnParentFailure, raw.get("policy"), OnParentFailure.CANCEL),
        run=_number(raw, "run") or 1,
        cancel_requested="cancel_by" in raw,
        is_walking=_number(raw, "walks") > 0,
        created_by=raw.get("created_by", ""),
        webhook=raw.get("webhook"),
    )


def decode_step(values: Sequence[Any]) -> StepState:
    """Return a step: number, name, id of its job, the job's status, state, numbers of its parents, policy."""
    number, *texts = values
    name, job_id, status, state, parents, policy = map(text_of, texts)
    return StepState(
        number=int(number),
        name=name,
        job_id=job_id,
        # Of a job that is gone the workflow remembers how it ended.
        status=_one_of(Status, status, None) or _ENDS.get(state),
        parents=tuple(int(parent) for parent in parents.split() if parent.isdigit()),
        on_parent_failure=_one_of(OnParentFailure, policy, None),
    )


def _one_of(kinds: Any, text: str | None, default: Any) -> Any:
    try:
        return kinds(text)
    except ValueError:
        return default


def _number(raw: dict[str, str], name: str) -> int:
    try:
        return max(0, int(float(raw.get(name, "0"))))
    except (ValueError, OverflowError):
        return 0

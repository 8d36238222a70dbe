"""Workflows: put in whole or not at all, looked at, cancelled, retried, and added to by their own steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import SubmitCode, Submitted
from jobs.backends.workflows import (
    MAX_READ,
    MAX_STAGED,
    GrowCode,
    Place,
    Placed,
    StageCode,
    StartCode,
    Workflows,
)
from jobs.domain.errors import BackendUnavailable, InvalidInput, NotFound, Problem, StateConflict
from jobs.domain.identity import parse_id
from jobs.domain.shard import shard_of
from jobs.domain.status import Status
from jobs.domain.workflow import MAX_EDGES, MAX_STEPS, Step, StepState, Workflow, WorkflowSpec, WorkflowStatus, plan
from jobs.domain.workflow_body import judge_graph
from jobs.services.acts import act_id, record_act, require_audit_log
from jobs.services.parcels import MAX_CALL_BYTES
from jobs.services.placement import shard_of_all
from jobs.services.submission import mismatch, refusal_of, require_admission, require_nameable
from jobs.services.workflow_keys import keys_of_steps, keys_of_workflow, steps_with_keys, workflow_with_keys

MAX_LISTED = 200
# Lists with a status look at no more.
MAX_LOOKED_AT = 2_000
# Of a walk that goes on after the answer, in the upkeep of any worker.
_TURNS = 20
_TRIES = 5


@dataclass(frozen=True, slots=True)
class WorkflowDetails:
    """A workflow with all its steps."""

    workflow: Workflow
    steps: tuple[StepState, ...]


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """Workflows, the newest start first, and the place to go on from."""

    workflows: tuple[Workflow, ...]
    after: Place | None


def submit_workflow(
    actor: Actor, spec: WorkflowSpec, *, key: str | None = None, fingerprint: str = ""
) -> tuple[WorkflowDetails, bool]:
    """Store a workflow and start it; True: the key started it before.

    All of it or nothing: what was put in before a fault is swept after ten minutes. Raises NotPermitted,
    BackendUnavailable, QuotaExceeded or InvalidInput (`too_many_queues`, `blocked_address`, `idempotency_mismatch`,
    `shard_conflict`).
    """
    policy.authorize(actor, Action.WORKFLOW_SUBMIT)
    require_admission(actor)
    _require_nameable(spec)
    calls, spec = _calls(actor), workflow_with_keys(actor.namespace, spec)
    shard = shard_of_all(keys_of_workflow(key, spec), wiring.backend().shards)
    workflow_id = wiring.identity().make(shard)
    placed = [(planned, wiring.identity().make(shard)) for planned in plan(spec.steps)]
    for batch in _batches(placed):
        code = wiring.runner().run(calls.stage(workflow_id, spec, batch, by=actor.label))
        if code is not StageCode.STAGED:
            _unstage(calls, workflow_id)
            raise _refusal(code.value, workflow_id)
    roots = [planned.number for planned, _ in placed if not planned.parents]
    started, first_id = wiring.runner().run(calls.start(workflow_id, roots, key or "", fingerprint))
    if started is not StartCode.STARTED:
        _unstage(calls, workflow_id)
    if started is StartCode.MISMATCH:
        raise mismatch()
    if started is StartCode.GONE:
        raise BackendUnavailable("The workflow took too long to put in.", code="not_started")
    return _details(actor, first_id), started is StartCode.REPLAYED


def get_workflow(actor: Actor, workflow_id: str) -> WorkflowDetails:
    """Return a workflow and its steps. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.WORKFLOW_READ)
    return _details(actor, _canonical(workflow_id))


def list_workflows(actor: Actor, status: WorkflowStatus | None, after: Place | None, limit: int) -> WorkflowPage:
    """Return up to `limit` workflows. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.WORKFLOW_READ)
    found: list[Workflow] = []
    looked_at = 0
    while looked_at < MAX_LOOKED_AT:
        part = wiring.runner().run(_calls(actor).newest(after, MAX_LISTED))
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


def add_steps(actor: Actor, workflow_id: str, holder: str, token: str, steps: Sequence[Step]) -> WorkflowDetails:
    """Add steps for who holds the lease of one; a name that is there already is left as it is.

    Raises NotPermitted, NotFound, BackendUnavailable, QuotaExceeded, InvalidInput, or StateConflict (`lease_lost`,
    `workflow_ended`, `step_begun`).
    """
    policy.authorize(actor, Action.WORKFLOW_GROW)
    require_admission(actor)
    for place, step in enumerate(steps):
        require_nameable(step.spec.webhook, f"/steps/{place}/webhook")
    calls, canonical, shards = _calls(actor), _canonical(workflow_id), wiring.backend().shards
    there = _details(actor, canonical)
    steps = steps_with_keys(actor.namespace, steps)
    shard = shard_of_all(keys_of_steps(steps), shards, shard_of(canonical, shards))
    for _ in range(_TRIES):
        numbers = {state.name: state.number for state in there.steps}
        fresh = [step for step in steps if step.name not in numbers]
        if not fresh:
            return there
        _judge(steps, numbers, len(there.steps) + len(fresh), sum(len(state.parents) for state in there.steps))
        placed = [(planned, wiring.identity().make(shard)) for planned in plan(fresh, numbers)]
        code = wiring.runner().run(calls.grow(canonical, holder, token, len(there.steps), placed))
        if code is GrowCode.GROWN:
            return _details(actor, canonical)
        if code is not GrowCode.CHANGED:
            raise _refusal(code.value, canonical)
        there = _details(actor, canonical)
    raise BackendUnavailable("Others add steps at the same time.", code="workflow_changed")


def _judge(steps: Sequence[Step], numbers: dict[str, int], amount: int, edges: int) -> None:
    problems = judge_graph(steps, numbers)
    if amount > MAX_STEPS:
        problems.append(Problem("/steps", "too_many", f"A workflow has at most {MAX_STEPS} steps."))
    if edges + sum(len(step.after) + len(step.before) for step in steps) > MAX_EDGES:
        problems.append(Problem("/steps", "too_many", f"A workflow has at most {MAX_EDGES} edges."))
    if problems:
        raise InvalidInput(problems)


def _walk(
    actor: Actor, action: Action, verb: Literal["cancel", "retry"], workflow_id: str, reason: str
) -> WorkflowDetails:
    policy.authorize(actor, action)
    require_audit_log()
    calls, canonical = _calls(actor), _canonical(workflow_id)
    code, status = wiring.runner().run(calls.walk(canonical, verb, act_id(), by=actor.label))
    if code == "not_found":
        raise _no_such_workflow(workflow_id)
    if code == "conflict":
        what = "workflow_ended" if verb == "cancel" else "nothing_failed"
        raise StateConflict(f"There is nothing to {verb}. The workflow is {status}.", status=status, code=what)
    for _ in range(_TURNS):
        if not wiring.runner().run(calls.tend(canonical)):
            break
    record_act(actor, action, "workflow", canonical, reason=reason)
    return _details(actor, canonical)


def _details(actor: Actor, workflow_id: str) -> WorkflowDetails:
    calls = _calls(actor)
    steps: list[StepState] = []
    while True:
        found = wiring.runner().run(calls.get(workflow_id, len(steps) + 1, MAX_READ))
        if found is None:
            raise _no_such_workflow(workflow_id)
        workflow, part = found
        steps += part
        if len(part) < MAX_READ:
            return WorkflowDetails(workflow, tuple(steps))


def _batches(placed: Sequence[Placed]) -> Iterator[list[Placed]]:
    batch: list[Placed] = []
    size = 0
    for planned, job_id in placed:
        more = len(planned.step.spec.payload) + 8 * (len(planned.parents) + len(planned.children))
        if batch and (len(batch) == MAX_STAGED or size + more > MAX_CALL_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((planned, job_id))
        size += more
    yield batch


def _unstage(calls: Workflows, workflow_id: str) -> None:
    for _ in range(MAX_STEPS // MAX_STAGED + 1):
        if not wiring.runner().run(calls.unstage(workflow_id)):
            return


def _refusal(code: str, workflow_id: str) -> Exception:
    if code in ("too_many_queues", "quota_jobs", "quota_bytes", "quota_rate"):
        refusal = refusal_of(Submitted(SubmitCode(code), workflow_id, Status.WAITING, 0), "/steps")
        if refusal is not None:
            return refusal
    if code == "lease_lost":
        return StateConflict("The lease is not held any more.", status="running", code="lease_lost")
    if code == "begun":
        detail = "A step of `before` does not wait any more."
        return StateConflict(detail, status="running", code="step_begun")
    if code == "ended":
        return StateConflict("The workflow takes no more steps.", status="cancelled", code="workflow_ended")
    return BackendUnavailable("The workflow took too long to put in.", code="not_started")


def _require_nameable(spec: WorkflowSpec) -> None:
    require_nameable(spec.webhook, "/webhook")
    require_nameable(spec.callback.webhook if spec.callback else None, "/callback/webhook")
    for place, step in enumerate(spec.steps):
        require_nameable(step.spec.webhook, f"/steps/{place}/webhook")


def _calls(actor: Actor) -> Workflows:
    return wiring.backend().workflows(actor.namespace)


def _canonical(workflow_id: str) -> str:
    canonical = parse_id(workflow_id)
    if canonical is None:
        raise _no_such_workflow(workflow_id)
    return canonical


def _no_such_workflow(workflow_id: str) -> NotFound:
    return NotFound(f"There is no workflow {workflow_id[:64]!r}.")

"""Workflows on their way to the store: whole or not at all, and added to by their own steps. It needs no database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import SubmitCode, Submitted
from jobs.backends.workflows import MAX_STAGED, GrowCode, Placed, StageCode, StartCode, Workflows
from jobs.domain.errors import BackendUnavailable, InvalidInput, Problem, StateConflict
from jobs.domain.shard import shard_of
from jobs.domain.status import Status
from jobs.domain.trace import TraceContext
from jobs.domain.workflow import MAX_EDGES, MAX_STEPS, Step, WorkflowSpec, plan
from jobs.domain.workflow_body import judge_graph
from jobs.services.parcels import MAX_CALL_BYTES
from jobs.services.placement import shard_of_all
from jobs.services.submission import mismatch, refusal_of, require_admission, require_nameable
from jobs.services.submit_span import SubmitSpan
from jobs.services.workflow_keys import keys_of_steps, keys_of_workflow, steps_with_keys, workflow_with_keys
from jobs.services.workflow_reading import WorkflowDetails, calls_of, canonical_id, details_of

_TRIES = 5


def new_workflow_id(actor: Actor, spec: WorkflowSpec, key: str | None = None) -> str:
    """Return an id for a workflow, of the shard that its keys name.

    Raises InvalidInput `shard_conflict`; with several shards the store is asked, so BackendUnavailable, too.
    """
    shards = wiring.backend().shards
    if shards > 1:
        spec = workflow_with_keys(actor.namespace, spec)
    return wiring.identity().make(shard_of_all(keys_of_workflow(key, spec), shards))


def submit_workflow(
    actor: Actor,
    spec: WorkflowSpec,
    *,
    key: str | None = None,
    fingerprint: str = "",
    workflow_id: str = "",
    trace: TraceContext | None = None,
) -> tuple[WorkflowDetails, bool]:
    """Store a workflow and start it; True: the key started it before.

    `workflow_id` is one that `new_workflow_id` gave for it; without it one is made here. `trace` is where the asker is.

    All of it or nothing: what was put in before a fault is swept after ten minutes. Raises NotPermitted,
    BackendUnavailable, QuotaExceeded or InvalidInput (`too_many_queues`, `blocked_address`, `idempotency_mismatch`,
    `shard_conflict`).
    """
    policy.authorize(actor, Action.WORKFLOW_SUBMIT)
    require_admission(actor)
    _require_nameable(spec)
    with SubmitSpan(actor.namespace, spec.steps, trace) as span:
        callback = None if spec.callback is None else span.of(spec.callback)
        traced = msgspec.structs.replace(spec, steps=tuple(span.jobs(spec.steps)), callback=callback)
        return _submit(actor, traced, key, fingerprint, workflow_id)


def _submit(
    actor: Actor, spec: WorkflowSpec, key: str | None, fingerprint: str, workflow_id: str
) -> tuple[WorkflowDetails, bool]:
    calls, spec = calls_of(actor), workflow_with_keys(actor.namespace, spec)
    shards = wiring.backend().shards
    shard = shard_of_all(keys_of_workflow(key, spec), shards, shard_of(workflow_id, shards) if workflow_id else None)
    workflow_id = workflow_id or wiring.identity().make(shard)
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
    return details_of(actor, first_id), started is StartCode.REPLAYED


def add_steps(
    actor: Actor, workflow_id: str, holder: str, token: str, steps: Sequence[Step], *, trace: TraceContext | None = None
) -> WorkflowDetails:
    """Add steps for who holds the lease of one; a name that is there already is left as it is.

    Raises NotPermitted, NotFound, BackendUnavailable, QuotaExceeded, InvalidInput, or StateConflict (`lease_lost`,
    `workflow_ended`, `step_begun`).
    """
    policy.authorize(actor, Action.WORKFLOW_GROW)
    require_admission(actor)
    for place, step in enumerate(steps):
        require_nameable(step.spec.webhook, f"/steps/{place}/webhook")
    with SubmitSpan(actor.namespace, steps, trace) as span:
        return _add(actor, workflow_id, holder, token, span.jobs(steps))


def _add(actor: Actor, workflow_id: str, holder: str, token: str, steps: Sequence[Step]) -> WorkflowDetails:
    calls, canonical, shards = calls_of(actor), canonical_id(workflow_id), wiring.backend().shards
    there = details_of(actor, canonical)
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
            return details_of(actor, canonical)
        if code is not GrowCode.CHANGED:
            raise _refusal(code.value, canonical)
        there = details_of(actor, canonical)
    raise BackendUnavailable("Others add steps at the same time.", code="workflow_changed")


def _judge(steps: Sequence[Step], numbers: dict[str, int], amount: int, edges: int) -> None:
    problems = judge_graph(steps, numbers)
    if amount > MAX_STEPS:
        problems.append(Problem("/steps", "too_many", f"A workflow has at most {MAX_STEPS} steps."))
    if edges + sum(len(step.after) + len(step.before) for step in steps) > MAX_EDGES:
        problems.append(Problem("/steps", "too_many", f"A workflow has at most {MAX_EDGES} edges."))
    if problems:
        raise InvalidInput(problems)


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

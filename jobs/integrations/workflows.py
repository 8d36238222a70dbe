"""Workflows from Python: `from jobs.integrations.workflows import Workflow, add_steps, enqueue_workflow`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Unpack

import msgspec
from asgiref.sync import sync_to_async
from django.db import transaction
from django.utils.asyncio import async_unsafe

from jobs.access.actor import Actor, program_actor
from jobs.domain import naming
from jobs.domain.errors import InvalidInput, IronForgeError, NotFound, Problem
from jobs.domain.idempotency import checked_key, fingerprint_of
from jobs.domain.workflow import MAX_ADDED, MAX_STEPS, OnParentFailure, Step, WorkflowSpec
from jobs.domain.workflow_body import judge_graph
from jobs.integrations.modes import StoreMode, current_mode
from jobs.integrations.new_job import StepOptions, job
from jobs.integrations.transactions import is_in_transaction
from jobs.services.submission import NewJob
from jobs.services.workflow_reading import canonical_id, details_of
from jobs.services.workflow_submission import add_steps as add_steps_for
from jobs.services.workflow_submission import new_workflow_id, submit_workflow
from jobs.telemetry.logs import get_logger, log_event
from workers.context import Context

# Names of steps; each builder returns those after which one may go on.
Steps = tuple[str, ...]
_log = get_logger("enqueue")


class StoreNeeded(RuntimeError):
    """A workflow was enqueued in a mode that stands in for the store: those rehearse single jobs only."""


class Workflow:
    """A graph of jobs, built as with the client for HTTP; a step starts when all before it completed.

    `on_parent_failure` is what a step does when one of them did not: `cancel`, `continue` or `wait` for re-injection.
    `callback` is a job, made by `job`, that is submitted at each end. Raises InvalidInput at once for what is wrong.
    """

    def __init__(self, name: str, *, on_parent_failure: str | None = None, callback: NewJob | None = None) -> None:
        self.name = _named(name)
        self._policy = _policy(on_parent_failure) or OnParentFailure.CANCEL
        self._callback = callback.spec if callback else None
        self._steps: dict[str, Step] = {}

    def step(
        self,
        name: str,
        kind: str,
        payload: object = None,
        *,
        after: Iterable[str] = (),
        before: Iterable[str] = (),
        on_parent_failure: str | None = None,
        **options: Unpack[StepOptions],
    ) -> Steps:
        """Add a step, a job with the options of `job` but keys, `unique` and `debounce`; return its name for others.

        `before` is for steps that are added to a workflow that runs: those of it that shall wait. Raises ValueError for
        a name that another has, and InvalidInput.
        """
        if name in self._steps:
            raise ValueError(f"there is a step {name!r} already")
        asked = job(kind, payload, **options)
        for field in ("unique", "debounce"):
            if getattr(asked.spec, field) is not None:
                raise _refused(field, "not_in_workflow", f"A step cannot be {field}.")
        if asked.idempotency_key is not None:
            raise _refused("idempotency_key", "not_in_workflow", "The key is that of the workflow.")
        self._steps[_named(name)] = Step(
            name=name, spec=asked.spec, after=tuple(dict.fromkeys(after)), before=tuple(dict.fromkeys(before)),
            on_parent_failure=_policy(on_parent_failure),
        )  # fmt: skip
        return (name,)

    def group(self, *steps: Steps, after: Iterable[str] = ()) -> Steps:
        """Let steps run side by side after others; return all of them."""
        names = tuple(name for some in steps for name in some)
        self._put_after(names, after)
        return names

    def chain(self, *steps: Steps, after: Iterable[str] = ()) -> Steps:
        """Let each of the steps, or groups of them, run after the one before; return the last."""
        before = tuple(after)
        for names in steps:
            self._put_after(names, before)
            before = names
        return before

    def chord(self, steps: Steps, join: Steps) -> Steps:
        """Let a step run after all of a group; return it."""
        self._put_after(join, steps)
        return join

    def steps(self) -> tuple[Step, ...]:
        """Return the steps, in the order in which they were added."""
        return tuple(self._steps.values())

    def spec(self) -> WorkflowSpec:
        """Return what is stored. Raises InvalidInput for no step, too many, and edges into nowhere or in a circle."""
        steps = self.steps()
        problems = judge_graph(steps, ())
        if not 0 < len(steps) <= MAX_STEPS:
            problems = [Problem("/steps", "out_of_range", f"A workflow has 1 to {MAX_STEPS} steps.")]
        for place, step in enumerate(steps):
            if step.before:
                detail = "before is for steps that are added to a workflow that runs."
                problems.append(Problem(f"/steps/{place}/before", "unknown_field", detail))
        if problems:
            raise InvalidInput(problems)
        return WorkflowSpec(name=self.name, steps=steps, on_parent_failure=self._policy, callback=self._callback)

    def _put_after(self, names: Iterable[str], after: Iterable[str]) -> None:
        parents = tuple(after)
        for name in names:
            step = self._steps[name]
            joined = tuple(dict.fromkeys((*step.after, *parents)))
            self._steps[name] = msgspec.structs.replace(step, after=joined)


class _Parcel:
    """A workflow on its way to the store."""

    def __init__(self, actor: Actor, spec: WorkflowSpec, key: str | None) -> None:
        self._actor = actor
        self._spec = spec
        self._key = key
        # The times of delays are no part of it: the same workflow asked for later is the same.
        self._fingerprint = fingerprint_of(msgspec.json.encode(_without_times(spec), order="sorted")) if key else ""
        self.id = new_workflow_id(actor, spec, key)

    def send(self) -> None:
        """Store it. Raises BackendUnavailable, QuotaExceeded, InvalidInput."""
        details, _ = submit_workflow(
            self._actor, self._spec, key=self._key, fingerprint=self._fingerprint, workflow_id=self.id
        )
        self.id = details.workflow.id

    def send_after_commit(self) -> None:
        """Store it after the commit. Whoever ended the transaction gets what is raised."""
        try:
            self.send()
        except IronForgeError as error:
            log_event(_log, "enqueue.failed", level=logging.ERROR, exception=error, jobs=self.id, kinds=self._spec.name)
            error.add_note(f"The transaction is committed all the same. Its workflow: {self.id}")
            raise


@async_unsafe("enqueue_workflow() waits for the store: use aenqueue_workflow() in async code.")
def enqueue_workflow(
    workflow: Workflow,
    *,
    idempotency_key: str | None = None,
    namespace: str | None = None,
    on_commit: bool = True,
    using: str | None = None,
) -> str:
    """Enqueue a workflow, whole or not at all, and return its id.

    Inside `transaction.atomic()` it is stored after the commit, as `enqueue` does it; with a key that is known the id
    is then a new one, which names no workflow. Raises InvalidInput at once; BackendUnavailable or QuotaExceeded here
    or out of the block that commits; StoreNeeded in the modes `fake` and `inline`.
    """
    mode = current_mode()
    if not isinstance(mode, StoreMode):
        raise StoreNeeded("Workflows need the store: use the fixture ironforge_worker, or the mode store.")
    chosen = mode.namespace if namespace is None else namespace
    if not naming.is_namespace(chosen):
        raise _refused("namespace", "invalid_name", f"namespace must match ^{naming.NAMESPACE.pattern}$.")
    parcel = _Parcel(program_actor(chosen), workflow.spec(), checked_key(idempotency_key))
    if on_commit and is_in_transaction(using):
        transaction.on_commit(parcel.send_after_commit, using=using)
    else:
        parcel.send()
    return parcel.id


async def aenqueue_workflow(
    workflow: Workflow,
    *,
    idempotency_key: str | None = None,
    namespace: str | None = None,
    on_commit: bool = True,
    using: str | None = None,
) -> str:
    """Do as `enqueue_workflow`, for async code."""
    # In the thread whose transactions those of the caller are.
    return await sync_to_async(enqueue_workflow)(
        workflow, idempotency_key=idempotency_key, namespace=namespace, on_commit=on_commit, using=using
    )


@async_unsafe("workflow_status() waits for the store: use sync_to_async(workflow_status) in async code.")
def workflow_status(workflow_id: str, *, namespace: str | None = None) -> str | None:
    """Return how a workflow is, `running`, `completed`, `failed` or `cancelled`; None if there is none."""
    actor = program_actor(current_mode().namespace if namespace is None else namespace)
    try:
        return details_of(actor, canonical_id(workflow_id)).workflow.status.value
    except NotFound:
        return None


@async_unsafe("add_steps() waits for the store: use aadd_steps() in async code.")
def add_steps(context: Context, more: Workflow) -> None:
    """Add steps to the workflow that a handler's job is a step of; they are stored when this returns.

    Names that are there already are left as they are, so an attempt that is repeated adds nothing twice, and one that
    lost its lease adds nothing. Raises ValueError where the job is no step; InvalidInput, BackendUnavailable,
    QuotaExceeded; StateConflict `lease_lost`, `workflow_ended`, or `step_begun` for a step of `before` that does not
    wait any more.
    """
    steps = more.steps()
    if not context.workflow_id or not context.step:
        raise ValueError(f"the job {context.job_id} is no step of a workflow")
    if not 0 < len(steps) <= MAX_ADDED:
        raise _refused("steps", "out_of_range", f"1 to {MAX_ADDED} steps are added at once.")
    actor = program_actor(context.namespace)
    add_steps_for(actor, context.workflow_id, context.job_id, context.lease_token, steps)


async def aadd_steps(context: Context, more: Workflow) -> None:
    """Do as `add_steps`, for async handlers."""
    await asyncio.to_thread(add_steps, context, more)


def _without_times(spec: WorkflowSpec) -> WorkflowSpec:
    steps = tuple(
        msgspec.structs.replace(step, spec=msgspec.structs.replace(step.spec, scheduled_for=None))
        for step in spec.steps
    )
    return msgspec.structs.replace(spec, steps=steps)


def _named(name: str) -> str:
    if not isinstance(name, str) or not naming.is_kind(name):
        raise _refused("name", "invalid_name", f"name must match ^{naming.KIND.pattern}$.")
    return name


def _policy(text: str | None) -> OnParentFailure | None:
    if text is None:
        return None
    if text not in tuple(OnParentFailure):
        choices = ", ".join(OnParentFailure)
        raise _refused("on_parent_failure", "invalid_choice", f"on_parent_failure must be one of {choices}.")
    return OnParentFailure(text)


def _refused(name: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput([Problem(f"/{name}", code, detail)])

"""Workflows as they are; apart from acts on them, for it needs no database."""

from __future__ import annotations

from dataclasses import dataclass

from jobs import wiring
from jobs.access.actor import Actor
from jobs.backends.workflows import MAX_READ, Workflows
from jobs.domain.errors import NotFound
from jobs.domain.identity import parse_id
from jobs.domain.workflow import StepState, Workflow


@dataclass(frozen=True, slots=True)
class WorkflowDetails:
    """A workflow with all its steps."""

    workflow: Workflow
    steps: tuple[StepState, ...]


def calls_of(actor: Actor) -> Workflows:
    """Return what can be asked about the workflows of the actor's namespace."""
    return wiring.backend().workflows(actor.namespace)


def details_of(actor: Actor, workflow_id: str) -> WorkflowDetails:
    """Return a workflow and its steps to who may see it. Raises NotFound or BackendUnavailable."""
    calls = calls_of(actor)
    steps: list[StepState] = []
    while True:
        found = wiring.runner().run(calls.get(workflow_id, len(steps) + 1, MAX_READ))
        if found is None:
            raise no_such_workflow(workflow_id)
        workflow, part = found
        steps += part
        if len(part) < MAX_READ:
            return WorkflowDetails(workflow, tuple(steps))


def canonical_id(workflow_id: str) -> str:
    """Return an id as it is stored. Raises NotFound for what is none."""
    canonical = parse_id(workflow_id)
    if canonical is None:
        raise no_such_workflow(workflow_id)
    return canonical


def no_such_workflow(workflow_id: str) -> NotFound:
    """Return the error of an id that names no workflow."""
    return NotFound(f"There is no workflow {workflow_id[:64]!r}.")

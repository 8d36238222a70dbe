"""Keys of a workflow: those that its steps are limited by, and those that say in which shard all of it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from jobs.domain.workflow import Step, WorkflowSpec
from jobs.services.limit_keys import limit_keys, with_key


def workflow_with_keys(namespace: str, spec: WorkflowSpec) -> WorkflowSpec:
    """Return a workflow whose jobs have the keys of their limits. Raises BackendUnavailable."""
    callback = spec.callback and with_key(spec.callback, limit_keys().paths_of(namespace))
    return msgspec.structs.replace(spec, steps=tuple(steps_with_keys(namespace, spec.steps)), callback=callback)


def steps_with_keys(namespace: str, steps: Sequence[Step]) -> Sequence[Step]:
    """Return steps whose jobs have the keys of their limits. Raises BackendUnavailable."""
    paths = limit_keys().paths_of(namespace)
    if not paths:
        return steps
    return [msgspec.structs.replace(step, spec=with_key(step.spec, paths)) for step in steps]


def keys_of_workflow(idempotency_key: str | None, spec: WorkflowSpec) -> Iterator[tuple[str, str]]:
    """Return each key that names a shard, with the pointer to where it stands in a request."""
    if idempotency_key is not None:
        yield "Idempotency-Key", idempotency_key
    if spec.callback is not None and spec.callback.limit_key is not None:
        yield "/callback/limit_key", spec.callback.limit_key
    yield from keys_of_steps(spec.steps)


def keys_of_steps(steps: Sequence[Step]) -> Iterator[tuple[str, str]]:
    """Return each key of a step that names a shard, with the pointer to where it stands in a request."""
    for place, step in enumerate(steps):
        if step.spec.limit_key is not None:
            yield f"/steps/{place}/limit_key", step.spec.limit_key

"""Workflows that Python code enqueues: built as by the client for HTTP, stored with the transaction, run by workers."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction

import ironforge_client
from jobs.access.actor import program_actor
from jobs.domain.errors import InvalidInput, NotFound, StateConflict
from jobs.domain.status import Status
from jobs.domain.workflow import OnParentFailure, WorkflowStatus
from jobs.integrations.modes import StoreMode, entered
from jobs.integrations.queue import job
from jobs.integrations.testing import fake, inline
from jobs.integrations.workflows import (
    StoreNeeded,
    Workflow,
    aadd_steps,
    add_steps,
    aenqueue_workflow,
    enqueue_workflow,
    workflow_status,
)
from jobs.services.workflow_reading import WorkflowDetails, details_of
from tests.integrations.conftest import worker_on
from tests.stores import Bench
from tests.waiting import until
from workers import Context, handler
from workers.context import StopMark
from workers.registry import Registry


def look(space: Bench, workflow_id: str) -> WorkflowDetails:
    return details_of(program_actor(space.namespace), workflow_id)


def exists(space: Bench, workflow_id: str) -> bool:
    try:
        look(space, workflow_id)
    except NotFound:
        return False
    return True


def order(made: Any) -> Any:
    """Build a graph with either builder."""
    begin = made.chain(made.step("charge", "a", 1), made.step("book", "a", 2))
    parcel = made.group(made.step("pack", "a", max_retries=1), made.step("label", "a", after=["charge"]), after=begin)
    made.chord(parcel, made.step("close", "b", on_parent_failure="continue", queue="mail"))
    return made


def context_of(space: Bench, queue: str = "main") -> Context:
    lease = space.lease(queues=(queue,))
    return Context(lease, 1000, StopMark(math.inf), time.monotonic(), None)  # type: ignore[arg-type]


def test_both_builders_mean_the_same_graph() -> None:
    told = order(ironforge_client.Workflow("order")).document()
    asked = order(Workflow("order")).spec()
    assert [(step["name"], step["kind"], step["after"], step.get("queue", "main")) for step in told["steps"]] == [
        (step.name, step.spec.kind, list(step.after), step.spec.queue) for step in asked.steps
    ]
    assert [step.get("on_parent_failure") for step in told["steps"]] == [step.on_parent_failure for step in asked.steps]


def test_a_workflow_is_stored_whole_under_the_id_that_is_returned(space: Bench) -> None:
    flow = order(Workflow("order", on_parent_failure="wait", callback=job("told", {"x": 1})))
    found = look(space, enqueue_workflow(flow))
    assert (found.workflow.name, found.workflow.on_parent_failure) == ("order", OnParentFailure.WAIT)
    assert [step.status for step in found.steps] == [Status.QUEUED, *[Status.WAITING] * 4]
    assert space.get(found.steps[0].job_id).workflow_id == found.workflow.id


@pytest.mark.django_db(transaction=True)
def test_it_follows_the_transaction_it_was_enqueued_in(space: Bench) -> None:
    flow = order(Workflow("order"))
    with transaction.atomic():
        kept, at_once = enqueue_workflow(flow), enqueue_workflow(flow, on_commit=False)
        assert (exists(space, kept), exists(space, at_once)) == (False, True)
    assert exists(space, kept)
    with transaction.atomic():
        lost = enqueue_workflow(flow)
        transaction.set_rollback(True)
    assert not exists(space, lost)
    assert (workflow_status(kept), workflow_status(lost), workflow_status("?")) == ("running", None, None)


def test_a_key_names_one_workflow(space: Bench) -> None:
    ids = {enqueue_workflow(order(Workflow("order")), idempotency_key="k") for _ in range(2)}
    assert len(ids) == 1
    assert async_to_sync(aenqueue_workflow)(order(Workflow("order")), idempotency_key="k") in ids
    with pytest.raises(InvalidInput) as refused:
        enqueue_workflow(order(Workflow("other")), idempotency_key="k")
    assert refused.value.code == "idempotency_mismatch"


@pytest.mark.parametrize(
    ("build", "code"),
    [
        (lambda flow: None, "out_of_range"),
        (lambda flow: flow.step("a", "k", after=["b"]), "unknown_step"),
        (lambda flow: flow.step("a", "k", after=["a"]), "cycle"),
        (lambda flow: flow.step("A", "k"), "invalid_name"),
        (lambda flow: flow.step("a", "Kind"), "invalid_name"),
        (lambda flow: flow.step("a", "k", on_parent_failure="stop"), "invalid_choice"),
        (lambda flow: flow.step("a", "k", unique={"key": "u"}), "not_in_workflow"),
        (lambda flow: flow.step("a", "k", idempotency_key="u"), "not_in_workflow"),
        (lambda flow: flow.step("a", "k", before=["a2"]), "unknown_step"),
        (lambda flow: flow.chain(flow.step("b", "k"), flow.step("a", "k", before=["b"])), "cycle"),
    ],
)
def test_what_is_wrong_is_told_at_once(build: Callable[[Any], Any], code: str) -> None:
    flow = Workflow("w")

    def ask() -> None:
        build(flow)
        enqueue_workflow(flow)

    with pytest.raises(InvalidInput) as refused:
        ask()
    assert refused.value.problems[0].code == code


def test_modes_without_a_store_and_running_loops_are_refused(space: Bench) -> None:
    flow = order(Workflow("order"))
    for mode in (fake, inline):
        with mode(), pytest.raises(StoreNeeded):
            enqueue_workflow(flow)

    async def wrong() -> None:
        enqueue_workflow(flow)

    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(wrong())


def test_steps_get_their_parents_results_and_add_steps_while_they_run(space: Bench) -> None:
    registry = Registry()

    @handler("split", into=registry)
    async def split(context: Context, payload: Any) -> None:
        more = Workflow("more")
        parts = more.group(*(more.step(f"part-{number}", "double", number, before=["sum"]) for number in payload))
        more.chain(more.step("late", "late"), after=parts)
        await aadd_steps(context, more)
        await aadd_steps(context, more)

    @handler("double", into=registry)
    async def double(context: Context, payload: int) -> int:
        return payload * 2

    @handler("late", into=registry)
    def late(context: Context, payload: object) -> list[str]:
        more = Workflow("more")
        more.step("last", "double", 50, after=["late"])
        add_steps(context, more)
        return sorted(context.parents)

    @handler("sum", into=registry)
    def total(context: Context, payload: object) -> int:
        return sum(parent.get("result") or 0 for parent in context.parents.values())

    flow = Workflow("fan")
    flow.chain(flow.step("split", "split", [1, 2, 3]), flow.step("sum", "sum"))
    with worker_on(space, registry):
        made = enqueue_workflow(flow)
        until(lambda: look(space, made).workflow.status is not WorkflowStatus.RUNNING)
    found = look(space, made)
    assert (found.workflow.status, found.workflow.completed) == (WorkflowStatus.COMPLETED, 7)
    results = {step.name: space.get(step.job_id).result for step in found.steps}
    assert results["sum"] == b"12"
    assert results["late"] == b'["part-1","part-2","part-3"]'
    assert results["last"] == b"100"


def test_only_who_holds_the_lease_of_a_step_adds_steps(space: Bench) -> None:
    more = Workflow("more")
    more.step("x", "k")
    made = enqueue_workflow(order(Workflow("order")))
    context = context_of(space)
    space.fail(context._lease)
    with pytest.raises(StateConflict) as refused:
        add_steps(context, more)
    assert refused.value.code == "lease_lost"
    assert len(look(space, made).steps) == 5
    space.submit()
    with pytest.raises(ValueError, match="no step"):
        add_steps(context_of(space), more)
    with pytest.raises(InvalidInput):
        add_steps(context, Workflow("none"))


def test_another_namespace_can_be_named(space: Bench) -> None:
    with entered(StoreMode("default")):
        made = enqueue_workflow(order(Workflow("order")), namespace=space.namespace)
        with pytest.raises(InvalidInput):
            enqueue_workflow(order(Workflow("order")), namespace="No")
    assert exists(space, made)

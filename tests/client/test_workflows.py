"""Workflows through either client: built of steps, run by a worker, looked at and steered."""

from __future__ import annotations

import pytest

from ironforge_client import Client, Conflict, Invalid, NotFound, Workflow, WorkflowRecord
from tests.waiting import until

pytestmark = pytest.mark.journey


def order() -> Workflow:
    """Return a workflow of a chain, a group and its join."""
    flow = Workflow("order")
    begin = flow.chain(flow.step("charge", "demo.echo", 1), flow.step("book", "demo.echo", 2))
    parcel = flow.group(flow.step("pack", "demo.echo"), flow.step("label", "demo.echo"), after=begin)
    flow.chord(parcel, flow.step("close", "demo.echo"))
    return flow


def ended(client: Client, workflow_id: str) -> WorkflowRecord:
    until(lambda: client.workflow(workflow_id).status != "running", 30)
    return client.workflow(workflow_id)


def test_a_graph_is_built_of_chains_groups_and_joins() -> None:
    document = order().document()
    assert {step["name"]: step["after"] for step in document["steps"]} == {
        "charge": [], "book": ["charge"], "pack": ["book"], "label": ["book"], "close": ["pack", "label"]
    }  # fmt: skip
    flow = order()
    with pytest.raises(ValueError, match="already"):
        flow.step("pack", "demo.echo")


def test_a_workflow_runs_to_its_end(client: Client) -> None:
    made = client.submit_workflow(order(), idempotency_key=None)
    done = ended(client, made.id)
    assert (done.status, done.counts["completed"], made.is_replayed) == ("completed", 5, False)
    assert [step.status for step in done.steps] == ["completed"] * 5
    job = client.get(done.steps[0].job_id)
    assert (job.workflow_id, job.step) == (made.id, "charge")
    assert made.id in {each.id for each in client.workflows(status="completed").workflows}


def test_the_rest_is_cancelled_and_run_after_all(client: Client, queue: str) -> None:
    flow = Workflow("w")
    flow.step("a", "demo.echo", queue=queue)
    made = client.submit_workflow(flow)
    assert client.steer_workflow(made.id, "cancel", "no").status == "cancelled"
    with pytest.raises(Conflict):
        client.steer_workflow(made.id, "cancel")
    assert client.steer_workflow(made.id, "retry").status == "running"
    with pytest.raises(ValueError, match="verb"):
        client.steer_workflow(made.id, "stop")


def test_what_is_wrong_is_named(client: Client) -> None:
    flow = Workflow("w")
    flow.step("a", "demo.echo", after=["b"])
    with pytest.raises(Invalid) as refused:
        client.submit_workflow(flow)
    assert refused.value.errors[0].pointer == "/steps/0/after/0"
    with pytest.raises(NotFound):
        client.workflow("019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00")

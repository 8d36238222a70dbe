"""What can be asked about workflows, each once, for both clients."""

from __future__ import annotations

import uuid
from dataclasses import replace
from urllib.parse import quote

from ironforge_client.exchange import JSON_TYPE, Act, Request, Retrying, encode, exchange
from ironforge_client.workflows import Holder, Workflow, WorkflowPage, WorkflowRecord, read_workflow

VERBS = ("cancel", "retry")


def submit(workflow: Workflow, idempotency_key: str | None, retrying: Retrying) -> Act[WorkflowRecord]:
    """Submit a workflow; the key makes it safe to send it again after a lost answer."""
    headers = {"Content-Type": JSON_TYPE, "Idempotency-Key": idempotency_key or str(uuid.uuid4())}
    body = encode(workflow.document())
    request = Request("POST", "/workflows", body=body, headers=headers, is_repeatable=True)
    answer = yield from exchange(request, retrying)
    return read_workflow(answer.document(), is_replayed=answer.status == 200)


def get(workflow_id: str, retrying: Retrying) -> Act[WorkflowRecord]:
    """Look at a workflow."""
    answer = yield from exchange(Request("GET", _path(workflow_id), is_repeatable=True), retrying)
    return read_workflow(answer.document())


def page(status: str | None, limit: int, cursor: str | None, retrying: Retrying) -> Act[WorkflowPage]:
    """Return a page of workflows, the newest start first."""
    query = [("limit", str(limit))]
    query += [(name, value) for name, value in (("status", status), ("cursor", cursor)) if value is not None]
    answer = yield from exchange(Request("GET", "/workflows", tuple(query), is_repeatable=True), retrying)
    document = answer.document()
    return WorkflowPage(tuple(map(read_workflow, document["data"])), document["page"]["next"])


def steer(workflow_id: str, verb: str, reason: str, retrying: Retrying) -> Act[WorkflowRecord]:
    """`cancel` the rest of a workflow, or `retry` what failed."""
    if verb not in VERBS:
        raise ValueError(f"a verb is one of {', '.join(VERBS)}, not {verb!r}")
    answer = yield from exchange(_post(f"{_path(workflow_id)}/{verb}", {"reason": reason}), retrying)
    return read_workflow(answer.document())


def add_steps(holder: Holder, workflow: Workflow, retrying: Retrying) -> Act[WorkflowRecord]:
    """Add steps for who holds the lease of one. Names that are there already stay, so it may be repeated."""
    steps = workflow.document()["steps"]
    body: dict[str, object] = {"job_id": holder.job_id, "lease_token": holder.lease_token, "steps": steps}
    request = replace(_post(f"{_path(holder.workflow_id or '')}/steps", body), is_repeatable=True)
    answer = yield from exchange(request, retrying)
    return read_workflow(answer.document())


def _post(path: str, body: dict[str, object]) -> Request:
    return Request("POST", path, body=encode(body), headers={"Content-Type": JSON_TYPE})


def _path(workflow_id: str) -> str:
    if not workflow_id:
        raise ValueError("a workflow's id is not empty")
    return f"/workflows/{quote(workflow_id, safe='')}"

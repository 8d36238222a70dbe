"""The acts on workflows, for `tests.api.verbs`."""

from __future__ import annotations

from collections.abc import Callable

from tests.api.lane import Request
from tests.api.tenant import Tenant
from tests.api.verb import Verb
from tests.api.workflow_things import workflow_of
from tests.graph import holder_of


def _new(tenant: Tenant, mark: str) -> Request:
    body = {"name": "w", "steps": [{"name": "a", "kind": "k"}, {"name": "b", "kind": "k", "after": ["a"]}]}
    return tenant.request("POST", "/workflows", body, idempotency_key=mark)


def _list(tenant: Tenant, _: str) -> Request:
    return tenant.request("GET", "/workflows")


def _on_workflow(method: str, end: str = "") -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, _: str) -> Request:
        return tenant.request(method, f"/workflows/{workflow_of(tenant)}{end}", b"" if method == "GET" else {})

    return prepare


def _retry(tenant: Tenant, _: str) -> Request:
    workflow_id = workflow_of(tenant)
    tenant.ask("POST", f"/workflows/{workflow_id}/cancel", {})
    return tenant.request("POST", f"/workflows/{workflow_id}/retry", {})


def _add(tenant: Tenant, mark: str) -> Request:
    workflow_id, job_id, token = holder_of(tenant.bench, f"q{mark}")
    body = {"job_id": job_id, "lease_token": token, "steps": [{"name": "b", "kind": "k", "after": ["a"]}]}
    return tenant.request("POST", f"/workflows/{workflow_id}/steps", body)


WORKFLOW_VERBS: dict[str, Verb] = {
    "submit a workflow": Verb(("workflows", "POST"), _new, 202),
    "list workflows": Verb(("workflows", "GET"), _list),
    "look at a workflow": Verb(("workflow", "GET"), _on_workflow("GET")),
    "cancel a workflow": Verb(("workflow-cancel", "POST"), _on_workflow("POST", "/cancel"), 200, (409,)),
    "retry a workflow": Verb(("workflow-retry", "POST"), _retry, 200, (200, 409)),
    "add a step": Verb(("workflow-steps", "POST"), _add),
}

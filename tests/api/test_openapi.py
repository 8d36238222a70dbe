"""`/openapi.json` and `/docs`: a valid document of every route, true in its examples and in what it says of answers."""

from __future__ import annotations

import json
from typing import Any, cast

import jsonschema
import pytest
from drf_spectacular.validation import validate_schema

from jobs.access.scopes import SCOPE_OF
from jobs.api.openapi import openapi_document
from jobs.api.routes import ROUTES
from jobs.domain.status import Status
from tests.api.lane import Answer, Request
from tests.api.remote_worker import RemoteWorker, held
from tests.api.tenant import ANY_STATUS, NOBODYS_ID, Tenant

DOCUMENT = openapi_document()
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


def schema_of(path: str, method: str, status: int, media_type: str = "application/json") -> dict[str, Any]:
    """Return the schema of an answer, which finds what it refers to."""
    content = DOCUMENT["paths"][path][method]["responses"][str(status)]["content"][media_type]
    return {**content["schema"], "components": DOCUMENT["components"]}


def conforms(answer: Answer, path: str, method: str) -> None:
    """Fail unless the document knows this answer and describes it."""
    schema = schema_of(path, method, answer.status, answer.headers["content-type"])
    jsonschema.Draft202012Validator(schema).validate(answer.body)


def test_the_document_is_served_and_may_be_kept(tenant: Tenant) -> None:
    for address in ("/openapi.json", "/api/v1/openapi.json"):
        answer = tenant.lane.ask(Request("GET", address, peer=("10.0.0.5", 1)))
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.body == json.loads(json.dumps(DOCUMENT))


def test_the_document_is_valid_openapi() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    validate_schema(DOCUMENT)


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    for part in text.split('"$ref": "#/components/schemas/')[1:]:
        assert part.partition('"')[0] in DOCUMENT["components"]["schemas"]


def test_every_method_of_every_route_is_documented() -> None:
    served = {
        ("/" + route.path.replace("<str:", "{").replace(">", "}"), method.lower())
        for route in ROUTES
        for method in route.actions or ("GET",)
    }
    assert set(OPERATIONS) == served


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_operation_says_what_a_client_must_know(path: str, method: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    assert operation["summary"]
    assert operation["operationId"].isalnum()
    route = next(route for route in ROUTES if "/" + route.path.replace("<str:", "{").replace(">", "}") == path)
    if route.actions:
        scope = SCOPE_OF[route.actions[method.upper()]]
        assert scope is not None
        assert f"`{scope.value}`" in operation["description"]
        assert {"401", "403", "422", "503"} <= set(operation["responses"])
    for status, answer in operation["responses"].items():
        assert answer["description"]
        if int(status) >= 400:
            assert set(answer["content"]) == {"application/problem+json"}
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    assert [p["name"] for p in operation["parameters"] if p["in"] == "path"] == named


def test_names_of_operations_are_used_once() -> None:
    names = [DOCUMENT["paths"][path][method]["operationId"] for path, method in OPERATIONS]
    assert len(names) == len(set(names))


def test_every_example_fits_its_schema() -> None:
    checked = 0
    for path, method in OPERATIONS:
        operation = DOCUMENT["paths"][path][method]
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in [content for body in bodies for content in body.get("content", {}).values()]:
            for example in content.get("examples", {}).values():
                schema = {**content["schema"], "components": DOCUMENT["components"]}
                jsonschema.Draft202012Validator(schema).validate(example["value"])
                checked += 1
    assert checked >= 10


def test_the_example_of_a_submission_is_accepted(tenant: Tenant) -> None:
    content = DOCUMENT["paths"]["/jobs"]["post"]["requestBody"]["content"]["application/json"]
    answer = tenant.ask("POST", "/jobs", content["examples"]["example"]["value"])
    assert answer.status == 202
    conforms(answer, "/jobs", "post")


@pytest.mark.parametrize("status", ANY_STATUS)
def test_a_job_of_every_status_is_what_the_document_says(tenant: Tenant, status: Status) -> None:
    job_id = tenant.job_in(status)
    conforms(tenant.ask("GET", f"/jobs/{job_id}"), "/jobs/{job_id}", "get")
    conforms(tenant.ask("GET", "/jobs"), "/jobs", "get")
    conforms(tenant.ask("POST", f"/jobs/{job_id}/retry"), "/jobs/{job_id}/retry", "post")
    conforms(tenant.ask("POST", f"/jobs/{job_id}/cancel"), "/jobs/{job_id}/cancel", "post")
    conforms(tenant.ask("DELETE", f"/jobs/{job_id}"), "/jobs/{job_id}", "delete")


def test_lists_numbers_and_acts_are_what_the_document_says(tenant: Tenant) -> None:
    tenant.one_of_each()
    for path in (
        "/queues",
        "/queues/stats",
        "/queues/scaling",
        "/history",
        "/workers",
        "/health",
        "/health/live",
        "/health/ready",
    ):
        conforms(tenant.ask("GET", path), path, "get")
    for act in ("pause", "resume", "purge"):
        body = {"confirm": "main"} if act == "purge" else {}
        conforms(tenant.ask("POST", f"/queues/main/{act}", body), f"/queues/{{name}}/{act}", "post")
    bulk = tenant.ask("POST", "/bulk-operations", {"action": "cancel", "ids": [NOBODYS_ID, "x"]})
    conforms(bulk, "/bulk-operations", "post")
    conforms(tenant.ask("GET", bulk.headers["location"]), "/bulk-operations/{operation_id}", "get")
    many = tenant.ask("POST", "/jobs/bulk", [{"kind": "k"}, {"kind": "K"}])
    conforms(many, "/jobs/bulk", "post")


def test_the_worker_protocol_is_what_the_document_says(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    conforms(tenant.ask("POST", "/workers", {"queues": ["main"]}), "/workers", "post")
    lease = worker.one(payload={"a": 1})
    tenant.submit()
    for name, body in (
        ("", worker.order()),
        ("/extend", {"leases": [held(lease)]}),
        ("/report", {"reports": [{**held(lease), "checkpoint": 1}]}),
        ("/settle", {"settlements": [{**held(lease), "outcome": "completed", "result": "x" * 262_143}]}),
        ("/settle", {"settlements": [{**held(lease), "lease_token": "0" * 32 + "-" + "0" * 12, "outcome": "failed"}]}),
    ):
        conforms(tenant.ask("POST", f"/leases{name}", body), f"/leases{name}", "post")
    conforms(worker.beat(leases=[held(lease)]), "/workers/{worker_id}/heartbeat", "post")


def test_the_page_for_people_names_every_operation(tenant: Tenant) -> None:
    answer = tenant.lane.ask(Request("GET", "/docs", peer=("10.0.0.5", 1)))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = answer.raw.decode()
    for path, method in OPERATIONS:
        assert DOCUMENT["paths"][path][method]["operationId"] in page
    assert "<script" not in page
    assert "style=" not in page


def test_operations_come_in_the_order_in_which_they_are_learnt() -> None:
    names = [DOCUMENT["paths"][path][method]["operationId"] for path, method in OPERATIONS]
    assert names[:3] == ["submitJob", "listJobs", "submitJobs"]
    firsts = dict.fromkeys(path.split("/")[1] for path, _ in OPERATIONS)
    assert list(firsts) == [
        *(
            "jobs",
            "queues",
            "workers",
            "leases",
            "schedules",
            "unique-locks",
            "workflows",
            "limits",
            "endpoints",
            "webhook",
            "deliveries",
            "namespaces",
            "api-keys",
            "audit",
            "alerts",
            "views",
            "history",
            "error-groups",
            "deploys",
            "bulk-operations",
            "system",
            "health",
            "metrics",
            "openapi.json",
            "docs",
        ),
    ]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_sorted_by_status(path: str, method: str) -> None:
    statuses = list(DOCUMENT["paths"][path][method]["responses"])
    assert statuses == sorted(statuses)


def test_code_in_the_page_for_people_is_marked_and_everything_is_escaped(tenant: Tenant) -> None:
    page = tenant.lane.ask(Request("GET", "/docs", peer=("10.0.0.5", 1))).raw.decode()
    assert "`" not in page
    assert "Scope: <code>jobs:write</code>." in page
    assert "<code>&lt;key&gt;:&lt;i&gt;</code>" in page
    assert 'rel="icon"' in page


def test_a_body_the_document_forbids_is_refused(tenant: Tenant) -> None:
    schema = cast("dict[str, Any]", DOCUMENT["components"]["schemas"]["NewJob"])
    assert schema["additionalProperties"] is False
    for name, rule in schema["properties"].items():
        if "maximum" in rule:
            assert tenant.ask("POST", "/jobs", {"kind": "k", name: rule["maximum"]}).status == 202
            assert tenant.ask("POST", "/jobs", {"kind": "k", name: rule["maximum"] + 1}).status == 422

"""What every refusal owes its client: a whole problem document, nothing stored, and the same answer again."""

from __future__ import annotations

from typing import Any

from tests.api.lane import NOTHING, Answer
from tests.api.tenant import Tenant

MEMBERS = {"type", "title", "status", "code", "detail", "errors", "request_id", "retryable"}


def refused(tenant: Tenant, method: str, target: str, body: object = NOTHING, **headers: str) -> Answer:
    """Return the answer to a request that must be refused with 4xx, after asking twice."""
    before = tenant.stored()
    first, again = (tenant.ask(method, target, body, **headers) for _ in range(2))
    assert 400 <= first.status < 500, first
    assert is_problem(first), first
    assert (again.status, without_request_id(again)) == (first.status, without_request_id(first))
    assert tenant.stored() == before, "a refusal stored something"
    return first


def is_problem(answer: Answer) -> bool:
    """Tell whether an answer is a problem document as RFC 9457 and the design have it."""
    document = answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(document) - {"current_status"} == MEMBERS, document
    assert document["status"] == answer.status
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["type"] == "about:blank"
    assert all(isinstance(document[name], str) and document[name] for name in ("title", "code", "detail"))
    assert isinstance(document["retryable"], bool)
    for error in document["errors"]:
        assert set(error) == {"pointer", "code", "detail"}
    text = answer.raw.decode()
    return "Traceback" not in text and 'File "' not in text and len(text) < 20_000


def without_request_id(answer: Answer) -> dict[str, Any]:
    """Return the document without what names this one request."""
    return {name: value for name, value in answer.body.items() if name != "request_id"}

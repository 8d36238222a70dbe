"""What nobody would write by hand: requests made from the OpenAPI document get documented answers, never a 5xx."""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from jobs.api.openapi import openapi_document
from tests.api.lane import NOTHING, Answer
from tests.api.tenant import Tenant

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(openapi_document())
OPERATIONS = {f"{found.ok().method.upper()} {found.ok().path}": found.ok() for found in SCHEMA.get_all_operations()}
CASES = [
    pytest.param(name, mode, id=f"{mode.value} {name}")
    for name, operation in OPERATIONS.items()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    # Where nothing can be sent, nothing can be wrong.
    if mode is GenerationMode.POSITIVE or list(operation.iter_parameters()) or operation.body
]
BASE = "http://localhost:3000"
# Few and always the same ones here; the long form looks further.
FEW = hypothesis_settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY = hypothesis_settings(FEW, max_examples=300, derandomize=False, print_blob=True)


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_what_the_document_describes_is_answered_as_it_says(tenant: Tenant, name: str, mode: GenerationMode) -> None:
    look_for_surprises(tenant, name, mode, FEW)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "mode"), CASES)
def test_many_more_requests_are_answered_as_documented(tenant: Tenant, name: str, mode: GenerationMode) -> None:
    look_for_surprises(tenant, name, mode, MANY)


def look_for_surprises(tenant: Tenant, name: str, mode: GenerationMode, effort: hypothesis_settings) -> None:
    """Fail for an answer that the document does not know, or that none should ever give."""

    @effort
    @given(OPERATIONS[name].as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        prepared = prepare(case)
        case.validate_response(response_to(prepared, answer_to(tenant, prepared)), checks=CHECKS)

    ask()


def prepare(case: Case) -> requests.PreparedRequest:
    """Return the request of a case as it goes out."""
    kwargs = case.as_transport_kwargs(base_url=BASE)
    known = {
        name: kwargs[name]
        for name in ("method", "url", "headers", "params", "data", "json", "cookies")
        if name in kwargs
    }
    return requests.Request(**known).prepare()


def answer_to(tenant: Tenant, prepared: requests.PreparedRequest) -> Answer:
    """Ask with the tenant's key, whatever credential was made up."""
    parts = urlsplit(str(prepared.url))
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    body = prepared.body
    content = NOTHING if body is None else body.encode() if isinstance(body, str) else body
    headers = {name: _sendable(value) for name, value in prepared.headers.items() if name.lower() not in _OURS}
    return tenant.ask(str(prepared.method), target, content, **headers)


_PARTS = ("method", "url", "headers", "params", "data", "json", "cookies")
_OURS = ("authorization", "cookie", "content-length", "host", "user-agent", "transfer-encoding")


def _sendable(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def response_to(prepared: requests.PreparedRequest, answer: Answer) -> Response:
    """Return the answer as the checks want it."""
    headers = {name: [value] for name, value in answer.headers.items()}
    took = datetime.timedelta(seconds=answer.took_s).total_seconds()
    return Response(answer.status, headers, answer.raw, prepared, took, verify=False)

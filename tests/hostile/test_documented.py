"""Every refusal that the table of this folder provokes is in the OpenAPI document, with its type and its schema."""

from __future__ import annotations

import jsonschema
import pytest

from jobs.api.openapi import openapi_document
from tests.api.lane import LANES, Answer, Request
from tests.api.tenant import Tenant
from tests.hostile.conftest import stranger
from tests.hostile.site_table import API, DATA_PLANE, NOBODYS_ID, PROTOCOL, Body, Row, address
from tests.hostile.test_bodies import LIMITS

DOCUMENT = openapi_document()
CASES = [
    pytest.param(lane, row, id=f"{row} {lane}")
    for lane in LANES
    for row in API
    if lane == "data-plane" or row in [*DATA_PLANE.values(), *PROTOCOL.values()]
]


def provoked(tenant: Tenant, row: Row) -> list[Request]:
    """Return requests, most of which must be refused."""
    ask, target = tenant.request, address(row)
    # A scope that opens no row of the table.
    weak = f"Bearer {tenant.key('payload:read')}"
    requests = [
        stranger(row.method, target, {}), ask(row.method, target, {}, authorization="Bearer x"),
        ask(row.method, target, {}, authorization=weak), ask(row.method, f"{target}?x=1&x=2&%00=%ff"),
        ask(row.method, target.replace(NOBODYS_ID, "x" * 300).replace("nobodys", "No")), ask(row.method, target),
    ]  # fmt: skip
    if row.body in LIMITS:
        wrong: list[object] = [b"{", b"", b"[]", b"{}", b"null", {"kind": "No"}, {"x": 1}, {"confirm": 1, "reason": 2}]
        requests += [ask(row.method, target, body) for body in wrong]
        requests += [ask(row.method, target, {}, idempotency_key="\x7f" * 400)]
        requests += [ask(row.method, target, {}, content_type="text/plain")]
        requests += [ask(row.method, target, {}, content_length=str(LIMITS[row.body] + 1))]
    if row.body is Body.BULK:
        requests += [ask(row.method, f"{target}?atomic=true", [{"kind": "No"}])]
        requests += [ask(row.method, target, b"\n", content_type="application/x-ndjson")]
    return requests


def is_documented(row: Row, answer: Answer) -> None:
    """Fail unless the document knows this status, this type and this shape for the row."""
    operation = DOCUMENT["paths"]["/" + row.path.replace("<str:", "{").replace(">", "}")][row.method.lower()]
    known = operation["responses"]
    assert str(answer.status) in known, (row, answer)
    media_type = answer.headers["content-type"].partition(";")[0]
    described = known[str(answer.status)].get("content", {})
    assert media_type in described, (row, answer.status, media_type)
    if media_type.endswith(("/json", "+json")):
        schema = {**described[media_type]["schema"], "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.body)


@pytest.mark.parametrize(("lane", "row"), CASES, indirect=["lane"])
def test_every_answer_is_one_that_the_document_knows(tenant: Tenant, row: Row) -> None:
    for answer in tenant.lane.ask_all(provoked(tenant, row), at_once=2):
        assert answer.status < 500 or (tenant.lane.name == "control-plane" and answer.code == "gateway_off")
        is_documented(row, answer)

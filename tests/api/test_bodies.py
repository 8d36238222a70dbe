"""Bodies that are no JSON as IronForge reads it: 400, on every route that reads one, and never a 500."""

from __future__ import annotations

import json

import pytest

from tests.api.lane import each_lane
from tests.api.refusals import refused
from tests.api.tenant import NOBODYS_ID, Tenant

MALFORMED = {
    "nested a hundred thousand arrays deep": (b"[" * 100_000, "too_deep"),
    "nested a hundred thousand objects deep": (b'{"a":' * 100_000, "too_deep"),
    "nested arrays in a payload": (b'{"kind":"k","payload":' + b"[" * 90_000 + b"]" * 90_000 + b"}", "too_deep"),
    "a lone surrogate in a value": (b'{"kind":"k","payload":"\\ud800"}', "invalid_unicode"),
    "a lone surrogate in a name": (b'{"kind":"k","payload":{"\\udfff":1}}', "invalid_unicode"),
    "a lone surrogate in the kind": (b'{"kind":"\\ud800"}', "invalid_unicode"),
    "a lone surrogate in a tag": (b'{"kind":"k","metadata":{"a":"\\udc00"}}', "invalid_unicode"),
    "surrogates the wrong way round": (b'{"kind":"k","payload":"\\udc00\\ud800"}', "invalid_unicode"),
    "NaN": (b'{"kind":"k","payload":NaN}', "invalid_number"),
    "Infinity": (b'{"kind":"k","payload":[Infinity]}', "invalid_number"),
    "-Infinity": (b'{"kind":"k","payload":{"a":-Infinity}}', "invalid_number"),
    "NaN as a number of retries": (b'{"kind":"k","max_retries":NaN}', "invalid_number"),
    "1e999": (b'{"kind":"k","payload":1e999}', "invalid_number"),
    "-1e999 as a time limit": (b'{"kind":"k","timeout_ms":-1e999}', "invalid_number"),
    "five thousand digits": (b'{"kind":"k","payload":' + b"9" * 5_000 + b"}", "invalid_number"),
    "five thousand digits of retries": (b'{"kind":"k","max_retries":' + b"9" * 5_000 + b"}", "invalid_number"),
    "latin-1": ('{"kind":"k","payload":"é"}'.encode("latin-1"), "invalid_utf8"),
    "an overlong encoding": (b'{"kind":"k","payload":"\xc0\xaf"}', "invalid_utf8"),
    "a surrogate in UTF-8": (b'{"kind":"k","payload":"\xed\xa0\x80"}', "invalid_utf8"),
    "UTF-16": ('{"kind":"k"}'.encode("utf-16"), "invalid_utf8"),
    "UTF-16 without mark": ('{"kind":"k"}'.encode("utf-16-le"), "invalid_json"),
    "a byte order mark": ("\ufeff".encode() + b'{"kind":"k"}', "invalid_json"),
    "a cut document": (b'{"kind":"k"', "invalid_json"),
    "trailing junk": (b'{"kind":"k"} x', "invalid_json"),
    "two documents": (b'{"kind":"k"}{"kind":"k"}', "invalid_json"),
    "a trailing comma": (b'{"kind":"k",}', "invalid_json"),
    "single quotes": (b"{'kind':'k'}", "invalid_json"),
    "a bare word": (b"kind", "invalid_json"),
    "a raw control character": (b'{"kind":"k","payload":"\x00"}', "invalid_json"),
    "a member named twice": (b'{"kind":"k","kind":"k"}', "duplicate_member"),
    "a member named twice deep inside": (b'{"kind":"k","payload":[{"a":1,"a":2}]}', "duplicate_member"),
    "a form": (b"kind=k&payload=1", "invalid_json"),
    "XML": (b"<kind>k</kind>", "invalid_json"),
}
EMPTY = {"nothing": b"", "blanks": b" \t\r\n"}
NO_OBJECT = {"null": b"null", "a list": b"[]", "a list of jobs": b'[{"kind":"k"}]', "a number": b"7", "true": b"true"}
# Where a body may be left out, and where it may not.
OPTIONAL = [
    ("POST", f"/jobs/{NOBODYS_ID}/cancel"),
    ("POST", f"/jobs/{NOBODYS_ID}/retry"),
    ("DELETE", f"/jobs/{NOBODYS_ID}"),
    ("POST", "/queues/main/pause"),
    ("POST", "/queues/main/purge"),
]


@each_lane
def test_a_job_that_cannot_be_read_is_malformed(tenant: Tenant) -> None:
    for name, (body, code) in MALFORMED.items():
        answer = refused(tenant, "POST", "/jobs", body)
        assert (answer.status, answer.code, answer.problems) == (400, code, [("", code)]), name


@each_lane
def test_a_submission_needs_a_body(tenant: Tenant) -> None:
    for name, body in EMPTY.items():
        answer = refused(tenant, "POST", "/jobs", body)
        assert (answer.status, answer.code) == (400, "empty_body"), name


@each_lane
def test_a_job_is_an_object(tenant: Tenant) -> None:
    for name, body in NO_OBJECT.items():
        answer = refused(tenant, "POST", "/jobs", body)
        assert (answer.status, answer.problems) == (422, [("", "invalid_type")]), name


@pytest.mark.parametrize(("method", "target"), [*OPTIONAL, ("POST", "/bulk-operations")])
def test_no_route_reads_another_kind_of_json(tenant: Tenant, method: str, target: str) -> None:
    for body, code in MALFORMED.values():
        answer = refused(tenant, method, target, body)
        assert (answer.status, answer.code) == (400, code)
    for body in NO_OBJECT.values():
        answer = refused(tenant, method, target, body)
        assert (answer.status, answer.problems) == (422, [("", "invalid_type")])


def test_a_bulk_operation_needs_a_body(tenant: Tenant) -> None:
    for body in EMPTY.values():
        assert refused(tenant, "POST", "/bulk-operations", body).code == "empty_body"


@each_lane
@pytest.mark.parametrize("depth", [40, 64])
def test_a_job_as_deep_as_allowed_passes_everywhere(tenant: Tenant, depth: int) -> None:
    payload: object = 0
    for _ in range(depth):
        payload = {"a": payload}
    job_id = tenant.submit(payload=payload)
    assert json.dumps(tenant.job(job_id)["payload"]) == json.dumps(payload)

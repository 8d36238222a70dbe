"""How a body may be sent: as JSON in UTF-8, plain, within its bound and in time."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.api.lane import each_lane
from tests.api.refusals import refused
from tests.api.tenant import NOBODYS_ID, Tenant

pytestmark = each_lane

JOB = b'{"kind":"email.send"}'
MEBIBYTE = 1024 * 1024
BOMB = gzip.compress(b'{"kind":"k","payload":"' + b"0" * 20_000_000 + b'"}')
OTHER_TYPES = [
    *("", "text/plain", "application", "application/xml", "application/msgpack", "application/json-patch+json", "\xff"),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json, text/plain"),
    *("application/json; charset=nope", "application/json; charset=utf-16", "application/json; charset=latin-1"),
]
WRITES = [
    ("POST", "/jobs"),
    ("POST", f"/jobs/{NOBODYS_ID}/retry"),
    ("POST", "/bulk-operations"),
    ("POST", "/queues/main/pause"),
]


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
def test_json_in_utf_8_is_taken(tenant: Tenant, media_type: str) -> None:
    assert tenant.ask("POST", "/jobs", JOB, content_type=media_type).status == 202


@pytest.mark.parametrize(("method", "target"), WRITES)
def test_anything_else_is_refused(tenant: Tenant, method: str, target: str) -> None:
    for media_type in OTHER_TYPES:
        answer = refused(tenant, method, target, JOB, content_type=media_type)
        assert (answer.status, answer.code) == (415, "unsupported_media_type"), media_type


def test_a_form_of_curl_is_told_what_to_do(tenant: Tenant) -> None:
    answer = refused(tenant, "POST", "/jobs", JOB, content_type="application/x-www-form-urlencoded")
    assert "curl" in answer.body["detail"]
    assert "Content-Type: application/json" in answer.body["detail"]


@pytest.mark.parametrize(("method", "target"), WRITES)
def test_a_compressed_body_is_refused_and_never_inflated(tenant: Tenant, method: str, target: str) -> None:
    for encoding in ("gzip", "br", "deflate", "zstd", "gzip, gzip", "GZIP", "identity, gzip", "x"):
        answer = refused(tenant, method, target, BOMB, content_encoding=encoding)
        assert (answer.status, answer.code) == (415, "unsupported_encoding")


@pytest.mark.parametrize(("method", "target"), WRITES)
def test_a_body_beyond_its_bound_is_refused(tenant: Tenant, method: str, target: str) -> None:
    answer = refused(tenant, method, target, b'{"kind":"k","payload":"' + b"0" * MEBIBYTE + b'"}')
    assert (answer.status, answer.code) == (413, "too_large")


@pytest.mark.parametrize("length", ["99999999999", "1048577", "9" * 100])
def test_a_body_that_declares_too_much_is_refused(tenant: Tenant, length: str) -> None:
    answer = refused(tenant, "POST", "/jobs", JOB, content_length=length)
    assert (answer.status, answer.code) == (413, "too_large")


@pytest.mark.parametrize("length", ["0", "5", "-1", "abc"])
def test_a_body_larger_than_it_declares_is_counted(tenant: Tenant, length: str) -> None:
    large = json.dumps({"kind": "k", "payload": "x" * MEBIBYTE}).encode()
    answer = tenant.ask("POST", "/jobs", large, content_length=length)
    assert 400 <= answer.status < 500
    assert tenant.bench.queue_ids() == []


def test_the_largest_body_is_read_to_its_last_byte(tenant: Tenant) -> None:
    blanks = b" " * (MEBIBYTE - len(JOB))
    assert tenant.ask("POST", "/jobs", JOB + blanks).status == 202
    assert tenant.ask("POST", "/jobs", JOB + blanks + b" ").status == 413

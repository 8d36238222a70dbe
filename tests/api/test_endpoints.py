"""`/endpoints`: kinds are bound to checked URLs; a secret is shown once and never again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from pytest_django import Settings

from jobs.access.models import AuditEntry
from jobs.domain.endpoint import MAX_ENDPOINTS
from tests.api.lane import Answer
from tests.api.tenant import Tenant
from tests.receiver import Received, json_answer, receiver

URL = "https://8.8.8.8/jobs?token=abc"


def bind(tenant: Tenant, kind: str = "mail.send", **fields: object) -> Answer:
    return tenant.ask("PUT", f"/endpoints/{kind}", {"url": URL, **fields})


def is_signed(received: Received, secret: str) -> bool:
    """Verify a request as the documentation says."""
    signed = f"{received.headers['webhook-id']}.{received.headers['webhook-timestamp']}.".encode() + received.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return made in received.headers["webhook-signature"].split(" ")


def test_a_secret_is_shown_when_it_is_made_and_never_again(tenant: Tenant) -> None:
    made = bind(tenant)
    assert made.status == 201
    assert made.body["secret"].startswith("whsec_")
    again = bind(tenant, timeout_ms=500)
    assert (again.status, again.body["timeout_ms"], again.body.get("secret")) == (200, 500, None)
    rotated = tenant.ask("POST", "/endpoints/mail.send/rotate", {})
    assert rotated.body["secret"] not in ("", made.body["secret"])
    assert rotated.body["overlap_until"]
    shown = [tenant.ask("GET", "/endpoints").raw, tenant.ask("GET", "/endpoints/mail.send").raw, again.raw]
    assert not any(b"whsec_" in raw for raw in shown)
    audit = [(entry.action, json.dumps([entry.before, entry.after])) for entry in AuditEntry.objects.order_by("id")]
    mine = [(action, text) for action, text in audit if action.startswith("endpoint.")]
    assert [action for action, _ in mine] == ["endpoint.bind", "endpoint.bind", "endpoint.rotate"]
    assert not any("whsec_" in text or "token=abc" in text for _, text in mine)


def test_a_binding_goes_when_it_is_unbound(tenant: Tenant) -> None:
    bind(tenant)
    assert tenant.ask("DELETE", "/endpoints/mail.send", {"reason": "moved"}).status == 204
    assert tenant.ask("GET", "/endpoints/mail.send").status == 404
    assert tenant.ask("GET", "/endpoints").body["data"] == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1/", "blocked_address"), ("http://localhost/", "blocked_address"),
        ("http://[::ffff:169.254.169.254]/", "blocked_address"), ("http://[64:ff9b::a9fe:a9fe]/", "blocked_address"),
        ("http://[2002:a9fe:a9fe::]/", "blocked_address"), ("http://[::ffff:0:127.0.0.1]/", "blocked_address"),
        ("http://0.0.0.0/", "blocked_address"), ("http://100.64.0.1/", "blocked_address"),
        ("http://127.1/", "invalid_url"), ("http://0x7f000001/", "invalid_url"), ("http://2130706433/", "invalid_url"),
        ("http://u:p@8.8.8.8/", "invalid_url"), ("gopher://8.8.8.8/", "invalid_url"),
        ("http://8.8.8.8:6379/", "invalid_url"), ("", "invalid_url"),
    ],
)  # fmt: skip
def test_a_url_that_leads_inside_is_refused_when_it_is_saved(tenant: Tenant, url: str, code: str) -> None:
    answer = tenant.ask("PUT", "/endpoints/k", {"url": url})
    assert (answer.status, answer.code) == (422, code), answer
    assert [error["pointer"] for error in answer.body["errors"]] == ["/url"]
    assert tenant.stored() == {}


@pytest.mark.parametrize("fields", [{"timeout_ms": 99}, {"timeout_ms": 60_001}, {"url": 7}, {"secret": "x"}])
def test_fields_are_judged(tenant: Tenant, fields: dict[str, object]) -> None:
    answer = bind(tenant, **fields)
    assert answer.status == 422
    assert answer.body["errors"][0]["pointer"] == "/" + next(iter(fields))


@pytest.mark.parametrize(("kind", "code"), [("ironforge.webhook", "reserved_name"), ("UPPER", "invalid_name")])
def test_some_kinds_cannot_be_bound(tenant: Tenant, kind: str, code: str) -> None:
    answer = bind(tenant, kind)
    assert (answer.status, answer.body["errors"][0]["code"]) == (422, code)


def test_there_is_a_bound_on_bindings(tenant: Tenant) -> None:
    key = tenant.bench.keys.named("endpoints")
    tenant.bench.client.hset(key, mapping={f"k{number}": b"{}" for number in range(MAX_ENDPOINTS)})
    assert bind(tenant).code == "too_many_endpoints"


def test_a_test_is_signed_and_what_came_back_is_told(tenant: Tenant, settings: Settings) -> None:
    settings.IRONFORGE_PUSH_ALLOW = ("127.0.0.0/8",)
    with receiver(json_answer("503 Busy", b'"not now"')) as there:
        first = bind(tenant, url=there.url).body["secret"]
        second = tenant.ask("POST", "/endpoints/mail.send/rotate", {}).body["secret"]
        answer = tenant.ask("POST", "/endpoints/mail.send/test", {"reason": "it was down"})
        (received,) = there.requests
    assert (answer.body["delivered"], answer.body["status"], answer.body["answer"]) == (False, 503, '"not now"')
    assert is_signed(received, first)
    assert is_signed(received, second)
    assert json.loads(received.body) == {"type": "ironforge.test", "kind": "mail.send"}
    (entry,) = tenant.ask("GET", "/audit?action=endpoint.test").body["data"]
    assert (entry["reason"], entry["after"]) == ("it was down", {"status": 503})


def test_a_test_of_what_is_no_longer_open_is_told_as_such(tenant: Tenant, settings: Settings) -> None:
    settings.IRONFORGE_PUSH_ALLOW = ("127.0.0.0/8",)
    with receiver() as there:
        bind(tenant, url=there.url)
        settings.IRONFORGE_PUSH_ALLOW = ()
        answer = tenant.ask("POST", "/endpoints/mail.send/test", {})
        assert (answer.status, answer.body["code"], there.connections) == (200, "blocked_address", 0)


@pytest.mark.parametrize("field", ["kind", "queue"])
def test_nobody_submits_to_ironforge_s_own(tenant: Tenant, field: str) -> None:
    answer = tenant.ask("POST", "/jobs", {"kind": "k", field: "ironforge.webhook"})
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, f"/{field}")
    assert answer.body["errors"][0]["code"] == "reserved_name"

"""API keys: who is let in, how alike the refusals are, and how soon a change counts."""

from __future__ import annotations

import secrets

import pytest
from django.utils import timezone

from jobs.access.models import ApiKey
from tests.api.conftest import Clock
from tests.api.lane import Answer, each_submission_lane
from tests.api.tenant import NOBODYS_ID, Tenant

pytestmark = each_submission_lane

ROUTES = [("POST", "/jobs"), ("GET", f"/jobs/{NOBODYS_ID}"), ("GET", "/queues"), ("DELETE", f"/jobs/{NOBODYS_ID}")]
each_route = pytest.mark.parametrize(("method", "target"), ROUTES)


def refused(tenant: Tenant, method: str, target: str, authorization: str) -> Answer:
    """Return a refusal that must be one of a credential."""
    body: object = {"kind": "k"} if method == "POST" else b""
    answer = tenant.ask(method, target, body, authorization=authorization, x_request_id="r-1")
    assert (answer.status, answer.code, answer.headers["www-authenticate"]) == (
        401,
        "unauthenticated",
        'Bearer realm="ironforge"',
    )
    return answer


@each_route
def test_a_key_that_is_wrong_revoked_expired_or_none_is_refused_alike(tenant: Tenant, method: str, target: str) -> None:
    revoked, expired, right = tenant.mint(), tenant.mint(), tenant.mint()
    ApiKey.objects.filter(prefix=revoked.details.prefix).update(revoked_at=timezone.now())
    ApiKey.objects.filter(prefix=expired.details.prefix).update(expires_at=timezone.now())
    wrong = right.text[:-1] + ("a" if right.text[-1] != "a" else "b")
    texts = [revoked.text, expired.text, wrong, f"ifk_{secrets.token_hex(6)}_{'x' * 32}", "x", "é" * 40, "a b c"]
    answers = [refused(tenant, method, target, f"Bearer {text}") for text in texts]
    assert {answer.raw for answer in answers} == {answers[0].raw}
    told = [{name: value for name, value in answer.headers.items() if name != "date"} for answer in answers]
    assert all(headers == told[0] for headers in told)
    assert tenant.stored() == {}


@each_route
def test_without_a_key_there_is_nothing(tenant: Tenant, method: str, target: str) -> None:
    body: object = {"kind": "k"} if method == "POST" else b""
    answer = tenant.ask_anonymously(method, target, body)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert "Authorization: Bearer" in answer.body["detail"]


@pytest.mark.parametrize("scheme", ["Basic", "Token", "", "Bearer:", "ApiKey"])
def test_another_scheme_is_refused(tenant: Tenant, scheme: str) -> None:
    refused(tenant, "POST", "/jobs", f"{scheme} {tenant.key()}".strip())


@pytest.mark.parametrize("header", ["bearer {key}", "BEARER {key}", "Bearer   {key}"])
def test_the_scheme_may_be_written_in_any_case(tenant: Tenant, header: str) -> None:
    assert tenant.ask("GET", "/queues", authorization=header.format(key=tenant.key())).status == 200


@pytest.mark.parametrize("parameter", ["key", "api_key", "apikey", "token", "access_token", "authorization"])
@each_route
def test_a_key_in_the_address_is_not_looked_at(tenant: Tenant, method: str, target: str, parameter: str) -> None:
    body: object = {"kind": "k"} if method == "POST" else b""
    answer = tenant.ask_anonymously(method, f"{target}?{parameter}={tenant.key()}", body)
    assert answer.status == 401
    assert tenant.key() not in answer.raw.decode()


@pytest.mark.parametrize("header", ["X-API-Key", "Api-Key", "Cookie", "Proxy-Authorization"])
def test_a_key_in_another_header_is_not_looked_at(tenant: Tenant, header: str) -> None:
    answer = tenant.ask_anonymously("POST", "/jobs", {"kind": "k"}, **{header: f"Bearer {tenant.key()}"})
    assert answer.status == 401


def test_a_revocation_by_another_process_counts_within_seconds(tenant: Tenant, key_clock: Clock) -> None:
    minted = tenant.mint()
    assert tenant.ask_as(minted.text, "POST", "/jobs", {"kind": "k"}).status == 202
    ApiKey.objects.filter(prefix=minted.details.prefix).update(revoked_at=timezone.now())
    key_clock.now += 2.0
    assert tenant.ask_as(minted.text, "POST", "/jobs", {"kind": "k"}).status == 401
    assert len(tenant.bench.queue_ids()) == 1


def test_a_scope_taken_away_counts_within_seconds(tenant: Tenant, key_clock: Clock) -> None:
    minted = tenant.mint()
    assert tenant.ask_as(minted.text, "GET", f"/jobs/{NOBODYS_ID}").status == 404
    ApiKey.objects.filter(prefix=minted.details.prefix).update(scopes=["leases"])
    key_clock.now += 2.0
    assert tenant.ask_as(minted.text, "GET", f"/jobs/{NOBODYS_ID}").status == 403


def test_the_use_of_a_key_is_noted(tenant: Tenant) -> None:
    minted = tenant.mint()
    tenant.ask_as(minted.text, "GET", "/queues")
    assert ApiKey.objects.get(prefix=minted.details.prefix).last_used_at is not None


def test_no_answer_holds_a_key(tenant: Tenant) -> None:
    key = tenant.key()
    for target in ("/jobs", "/workers", "/queues/stats", "/health", "/metrics", f"/{key}"):
        answer = tenant.ask("GET", target)
        assert key.rpartition("_")[2] not in answer.raw.decode(), target

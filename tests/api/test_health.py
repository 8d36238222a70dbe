"""`/health`, `/health/live`, `/health/ready`: open to all, with details for those who may know them."""

from __future__ import annotations

import time

import pytest
from django.db.models import F
from pytest_django import Settings

from jobs import __version__
from jobs.access.history import HistoryClock
from jobs.services.history_recording import record_minute
from tests.api.lane import Request
from tests.api.tenant import Tenant

STRANGER = ("10.0.0.5", 50_000)


@pytest.mark.parametrize("target", ["/health", "/health/live", "/health/ready", "/api/v1/health"])
def test_a_stranger_sees_the_status_and_no_more(tenant: Tenant, target: str) -> None:
    answer = tenant.lane.ask(Request("GET", target, peer=STRANGER))
    assert (answer.status, answer.body) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "1.2.3.4"}, {"Origin": "https://evil.example"}])
def test_a_proxy_or_another_site_sees_no_more_either(tenant: Tenant, headers: dict[str, str]) -> None:
    assert tenant.lane.ask(Request("GET", "/health", headers=headers)).body == {"status": "ok"}


def test_a_wrong_key_is_no_reason_to_call_a_server_sick(tenant: Tenant) -> None:
    answer = tenant.lane.ask(Request("GET", "/health", headers={"Authorization": "Bearer x"}, peer=STRANGER))
    assert (answer.status, answer.body) == (200, {"status": "ok"})


def test_a_program_on_this_machine_and_a_key_see_the_details(tenant: Tenant) -> None:
    bearer = {"Authorization": f"Bearer {tenant.key('leases')}"}
    for request in (Request("GET", "/health"), Request("GET", "/health", headers=bearer, peer=STRANGER)):
        health = tenant.lane.ask(request).body
        assert (health["status"], health["version"]) == ("ok", __version__)
        assert (health["store"]["ok"], health["database"]["ok"], health["store"]["aof_ok"]) == (True, True, True)
        assert health["store"]["version"].split()[0] in ("Valkey", "Redis")
        assert health["store"]["latency_ms"] > 0
        assert health["store"]["used_bytes"] > 0
        assert isinstance(health["loops"], dict)


def test_loops_that_run_apart_are_known_by_what_they_write(tenant: Tenant, settings: Settings) -> None:
    def told() -> tuple[str, dict[str, float]]:
        body = tenant.ask("GET", "/health").body
        return body["status"], body["loops"]

    settings.IRONFORGE_LOOPS = "apart"
    assert list(told()[1]) == ["apart"], "none ever ran"
    assert record_minute()
    status, loops = told()
    assert (status, loops["apart"] < 30) == ("ok", True)
    HistoryClock.objects.update(minute=F("minute") - 300)
    before = time.time()
    status, loops = told()
    # A minute is late when the next one is over.
    due = HistoryClock.objects.get().minute + 60
    assert status == "degraded"
    assert before - due - 0.1 <= loops["apart"] <= time.time() - due + 0.1


def test_no_detail_tells_a_password_or_a_path(tenant: Tenant) -> None:
    text = tenant.ask("GET", "/health").raw.decode()
    for secret in ("unix://", "redis://", "sqlite", ".sock", "password"):
        assert secret not in text

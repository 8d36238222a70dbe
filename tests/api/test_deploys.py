"""`/deploys`: marks by people and pipelines, and of versions whose workers appear unannounced."""

from __future__ import annotations

import time
from typing import Any

from jobs.access.deploy import RunningVersions
from jobs.domain.deploy import GONE_MS, MAX_DEPLOYS, newly_running
from jobs.services import deploy_watch
from tests.api.tenant import Tenant
from tests.backends.test_heartbeat import record


def marks(tenant: Tenant) -> list[dict[str, Any]]:
    answer = tenant.ask("GET", "/deploys")
    assert answer.status == 200, answer
    return list(answer.body["data"])


def test_a_mark_is_made_listed_and_removed_and_each_is_recorded(tenant: Tenant) -> None:
    made = tenant.ask("POST", "/deploys", {"version": "1.2", "note": "new gateway", "link": "https://ci.example/7"})
    assert made.status == 201, made
    older = tenant.ask("POST", "/deploys", {"version": "1.1", "at": "2026-01-17T10:30:00Z"}).body
    assert [(mark["version"], mark["automatic"]) for mark in marks(tenant)] == [("1.2", False), ("1.1", False)]
    assert (older["at"], made.body["by"], made.body["note"]) == ("2026-01-17T10:30:00.000Z", "key:ci", "new gateway")
    assert tenant.ask("DELETE", f"/deploys/{older['id']}").status == 204
    assert [mark["version"] for mark in marks(tenant)] == ["1.2"]
    acts = [entry["action"] for entry in tenant.ask("GET", "/audit").body["data"]]
    assert acts[:3] == ["deploy.remove", "deploy.mark", "deploy.mark"]


def test_a_mark_that_cannot_be_is_refused(tenant: Tenant) -> None:
    for body, pointer, code in (
        ({}, "/version", "required"),
        ({"version": ""}, "/version", "invalid_version"),
        ({"version": "1", "link": "javascript:alert(1)"}, "/link", "invalid_url"),
        ({"version": "1", "link": "https://"}, "/link", "invalid_url"),
        ({"version": "1", "at": "soon"}, "/at", "invalid_time"),
        ({"version": "1", "at": "2999-01-01T00:00:00Z"}, "/at", "in_the_future"),
        ({"version": "1", "by": "me"}, "/by", "unknown_field"),
    ):
        refused = tenant.ask("POST", "/deploys", body)
        assert refused.status == 422, (body, refused)
        assert [(each["pointer"], each["code"]) for each in refused.body["errors"]] == [(pointer, code)]
    assert marks(tenant) == []


def test_the_newest_marks_are_kept(tenant: Tenant) -> None:
    for number in range(MAX_DEPLOYS + 2):
        tenant.ask("POST", "/deploys", {"version": f"v{number}"})
    assert [mark["version"] for mark in marks(tenant)] == [f"v{number}" for number in range(MAX_DEPLOYS + 1, 1, -1)]


def test_a_worker_of_a_new_version_makes_a_mark_once(tenant: Tenant) -> None:
    began = int(time.time() * 1000) - 5_000

    def work(version: str, worker_id: str = "w1", started_at: int = began) -> None:
        told = record(worker_id, app_version=version, started_at=started_at)
        tenant.bench.run(tenant.bench.consumer.heartbeat(told))
        deploy_watch.look()

    work("")
    assert marks(tenant) == []
    work("1.0")
    work("1.0", "w2", began + 100)
    (mark,) = marks(tenant)
    assert (mark["version"], mark["by"], mark["automatic"]) == ("1.0", "worker", True)
    tenant.ask("DELETE", f"/deploys/{mark['id']}")
    work("1.0")
    assert marks(tenant) == [], "a mark that was removed stays away"
    tenant.ask("POST", "/deploys", {"version": "1.1"})
    work("1.1", "w3")
    assert [(each["version"], each["automatic"]) for each in marks(tenant)] == [("1.1", False)]
    assert RunningVersions.objects.get(namespace=tenant.name).versions == '{"1.0":0,"1.1":0}'


def test_a_version_that_comes_back_was_rolled_back_to_and_a_restart_is_none() -> None:
    one = [record(app_version="1", started_at=10)]
    two = [record(app_version="2", started_at=20)]
    known, new = newly_running({}, one, 1_000)
    assert (known, new) == ({"1": 0}, {"1": 10})
    known, new = newly_running(known, two, 2_000)
    assert (known, new) == ({"2": 0, "1": 2_000}, {"2": 20})
    assert newly_running(known, one + two, 2_000 + GONE_MS) == ({"1": 0, "2": 0}, {})
    assert newly_running(known, one, 2_001 + GONE_MS)[1] == {"1": 10}

"""`/schedules`: made, changed, paused and run over HTTP; what is wrong is named with its place."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from jobs import wiring
from jobs.access.models import AuditEntry, Schedule
from jobs.domain.fire import ScheduleState
from jobs.domain.instant import instant
from jobs.services import schedule_rows, ticking
from jobs.services.ticking import Ticker
from tests.api.tenant import Tenant, in_a_month

EVERY = {"name": "pulse", "every_ms": 60_000, "kind": "report.build", "payload": {"of": 1.5}}
DAILY = {"name": "report.daily", "cron": "0 9 * * 1-5", "timezone": "Europe/Paris", "kind": "report.build"}
HOUR_MS = 3_600_000


class Hours:
    """The store's clock, which this moves, and a process that makes schedules fire by it."""

    def __init__(self, tenant: Tenant) -> None:
        self.bench = tenant.bench
        self.ticker = Ticker(tenant.name, only_there=True)

    def pass_by(self, milliseconds: int) -> None:
        """Let time go by while nobody is there, then let somebody come."""
        self.bench.advance(milliseconds)
        self.ticker.tick()


@pytest.fixture
def hours(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Hours:
    """Return the clock by which this tenant's schedules go."""
    monkeypatch.setattr(wiring, "runner", lambda: tenant.bench.runner)
    return Hours(tenant)


def make(tenant: Tenant, **fields: Any) -> dict[str, Any]:
    answer = tenant.ask("POST", "/schedules", {**EVERY, **fields})
    assert answer.status == 201, answer
    return answer.body


def outcomes(tenant: Tenant, name: str = "pulse") -> list[tuple[str, int]]:
    """Return what became of the instants, oldest first."""
    data = tenant.ask("GET", f"/schedules/{name}/history").body["data"]
    return [(fire["outcome"], fire["count"]) for fire in reversed(data)]


def test_a_schedule_is_made_seen_changed_and_removed(tenant: Tenant) -> None:
    made = tenant.ask("POST", "/schedules", {**DAILY, "payload": {"a": [1.50]}, "reason": "the board wants it"})
    assert made.status == 201
    assert made.headers["location"] == "/schedules/report.daily"
    assert made.body["next_fire_at"].endswith(":00:00.000Z")
    assert (made.body["status"], made.body["owned_by"]) == ("active", "api")
    assert made.body["job"] == {"kind": "report.build", "payload": {"a": [1.5]}}
    assert tenant.ask("GET", f"/schedules/{made.body['id']}").body == made.body
    assert tenant.ask("GET", "/schedules").body["data"] == [made.body]
    changed = tenant.ask("PATCH", "/schedules/report.daily", {"every_ms": 5_000, "queue": "slow", "payload": None})
    assert (changed.body["cron"], changed.body["every_ms"], changed.body["timezone"]) == (None, 5_000, "Europe/Paris")
    assert changed.body["job"] == {"kind": "report.build", "queue": "slow"}
    put = tenant.ask("PUT", "/schedules/report.daily", {"cron": "@hourly", "kind": "k"})
    assert (put.status, put.body["job"], put.body["timezone"]) == (200, {"kind": "k"}, "UTC")
    assert tenant.ask("PUT", "/schedules/other", {"at": in_a_month(), "kind": "k"}).status == 201
    assert tenant.ask("DELETE", f"/schedules/{made.body['id']}").status == 204
    assert tenant.ask("GET", "/schedules/report.daily").status == 404
    acts = [act.action for act in AuditEntry.objects.filter(target_id=made.body["id"]).order_by("id")]
    assert acts == ["schedule.create", "schedule.change", "schedule.change", "schedule.delete"]


@pytest.mark.parametrize(
    ("fields", "pointer", "code", "position"),
    [
        ({"cron": "0 25 * * *"}, "/cron", "invalid_cron", 2),
        ({"cron": "0 9 * *"}, "/cron", "invalid_cron", 7),
        ({"cron": "0 0 30 2 *"}, "/cron", "never_fires", 4),
        ({"cron": "0 0 * 2 MON#5"}, "/cron", "never_fires", 4),
        ({"cron": 7}, "/cron", "invalid_type", None),
        ({"cron": "@daily", "every_ms": 1_000}, "", "two_timings", None),
        ({}, "", "no_timing", None),
        ({"every_ms": 999}, "/every_ms", "out_of_range", None),
        ({"at": "2020-01-01T00:00:00Z"}, "/at", "out_of_range", None),
        ({"at": "soon"}, "/at", "invalid_time", None),
        ({"every_ms": 1_000, "timezone": "Europe/Atlantis"}, "/timezone", "unknown_timezone", None),
        ({"every_ms": 1_000, "timezone": "../etc/passwd"}, "/timezone", "unknown_timezone", None),
        ({"every_ms": 1_000, "scheduled_for": "2030-01-01T00:00:00Z"}, "/scheduled_for", "not_allowed", None),
        ({"every_ms": 1_000, "queue": "No"}, "/queue", "invalid_name", None),
        ({"every_ms": 1_000, "crom": "*"}, "/crom", "unknown_field", None),
        ({"every_ms": 1_000, "catch_up": "none"}, "/catch_up", "invalid_choice", None),
        ({"every_ms": 1_000, "catch_up_limit": 5}, "/catch_up_limit", "not_allowed", None),
        ({"every_ms": 1_000, "overlap": "kill"}, "/overlap", "invalid_choice", None),
        ({"every_ms": 1_000, "name": "preview"}, "/name", "reserved_name", None),
        ({"every_ms": 1_000, "webhook": "http://127.0.0.1/"}, "/webhook", "blocked_address", None),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_place_of_the_mistake(
    tenant: Tenant, fields: dict[str, object], pointer: str, code: str, position: int | None
) -> None:
    answer = tenant.ask("POST", "/schedules", {"name": "x", "kind": "k", **fields})
    assert answer.status == 422
    assert [(it["pointer"], it["code"], it.get("position")) for it in answer.body["errors"]] == [
        (pointer, code, position)
    ]
    assert not Schedule.objects.filter(namespace=tenant.name).exists()


def test_a_name_is_taken_once_and_a_second_change_of_the_same_is_told(tenant: Tenant) -> None:
    make(tenant)
    assert tenant.ask("POST", "/schedules", EVERY).code == "name_taken"
    assert tenant.ask("PUT", "/schedules/other", EVERY).body["errors"][0]["code"] == "other_name"


def test_who_may_not_read_payloads_sees_none(tenant: Tenant) -> None:
    make(tenant)
    seen = tenant.ask_as(tenant.key("jobs:read"), "GET", "/schedules/pulse").body
    assert seen["job"] == {"kind": "report.build"}


def test_an_instant_becomes_a_job_that_names_its_schedule(tenant: Tenant, hours: Hours) -> None:
    made = make(tenant, metadata={"team": "a"})
    hours.pass_by(20_000)
    assert outcomes(tenant) == []
    hours.pass_by(42_000)
    (fire,) = tenant.ask("GET", "/schedules/pulse/history").body["data"]
    assert (fire["outcome"], fire["nominal_at"], fire["job_status"]) == ("fired", made["next_fire_at"], "queued")
    job = tenant.job(fire["job_id"])
    assert (job["schedule_id"], job["scheduled_for"]) == (made["id"], made["next_fire_at"])
    assert (job["payload"], job["metadata"]) == ({"of": 1.5}, {"team": "a"})
    assert tenant.ask("GET", "/schedules/pulse").body["next_fire_at"] > made["next_fire_at"]
    tenant.bench.settle(tenant.bench.lease())
    assert tenant.ask("GET", "/schedules/pulse/history").body["data"][0]["job_status"] == "completed"


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ({"catch_up": "skip"}, [("missed", 10)]),
        ({}, [("missed", 9), ("fired", 1)]),
        ({"catch_up": "all", "catch_up_limit": 4}, [("missed", 6), *[("fired", 1)] * 4]),
        ({"catch_up": "all"}, [("fired", 1)] * 10),
        ({"catch_up": "all", "overlap": "skip"}, [("fired", 1), *[("overlap", 1)] * 9]),
    ],
)
def test_what_nobody_was_there_for_is_made_good_as_the_policy_says(
    tenant: Tenant, hours: Hours, policy: dict[str, object], wanted: list[tuple[str, int]]
) -> None:
    make(tenant, **policy)
    hours.pass_by(10 * 60_000 + 30_000)
    hours.ticker.tick()
    assert outcomes(tenant) == wanted
    assert len(tenant.bench.queue_ids()) == wanted.count(("fired", 1))


@pytest.mark.parametrize("catch_up", ["skip", "latest"])
def test_an_instant_that_is_a_little_late_is_none_that_was_missed(tenant: Tenant, hours: Hours, catch_up: str) -> None:
    tenant.bench.hold_clock()
    make(tenant, every_ms=1_000, catch_up=catch_up)
    hours.pass_by(600_500)
    assert outcomes(tenant) == [("missed", 590), *[("fired", 1)] * 10]


def test_a_year_of_seconds_that_nobody_was_there_for_is_decided_at_once(tenant: Tenant, hours: Hours) -> None:
    make(tenant, every_ms=1_000, catch_up="all", catch_up_limit=180)
    hours.pass_by(366 * 24 * HOUR_MS)
    assert outcomes(tenant)[-1] == ("fired", 1)
    assert len(tenant.bench.queue_ids()) == 180


def require_each_second_once(tenant: Tenant) -> None:
    instants = sorted(fire["nominal_at"] for fire in tenant.ask("GET", "/schedules/pulse/history").body["data"])
    assert len(instants) == len(set(instants)) == len(tenant.bench.queue_ids())
    # However slow this machine is, no second is left out.
    first, last = datetime.fromisoformat(instants[0]), datetime.fromisoformat(instants[-1])
    assert len(instants) == 1 + (last - first) // timedelta(seconds=1) >= 63


def test_five_who_tick_at_once_and_one_that_sleeps_in_between_make_each_job_once(
    tenant: Tenant, hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tenant, every_ms=1_000, catch_up="all", catch_up_limit=180)
    asleep, wake, decide = threading.Event(), threading.Event(), ticking._planned

    def sleepy(*given: Any) -> Any:
        planned = decide(*given)
        if threading.current_thread().name == "sleepy" and not asleep.is_set():
            asleep.set()
            wake.wait(60)
        return planned

    monkeypatch.setattr(ticking, "_planned", sleepy)

    def tick(times: int) -> None:
        try:
            for _ in range(times):
                Ticker(tenant.name, only_there=True).tick()
        finally:
            connection.close()

    tenant.bench.advance(3_000)
    sleeper = threading.Thread(target=tick, args=(1,), name="sleepy")
    sleeper.start()
    assert asleep.wait(60)
    for _ in range(6):
        others = [threading.Thread(target=tick, args=(2,)) for _ in range(5)]
        for each in others:
            each.start()
        for each in others:
            each.join()
        tenant.bench.advance(10_000)
    wake.set()
    sleeper.join()
    Ticker(tenant.name, only_there=True).tick()
    require_each_second_once(tenant)


def test_a_copy_in_the_database_that_lags_behind_makes_no_job_twice(tenant: Tenant, hours: Hours) -> None:
    make(tenant)
    before = Schedule.objects.get(namespace=tenant.name)
    hours.pass_by(61_000)
    Schedule.objects.filter(pk=before.pk).update(decided_ms=before.decided_ms, next_ms=before.next_ms)
    hours.ticker.tick()
    assert outcomes(tenant) == [("fired", 1)]
    assert Schedule.objects.get(pk=before.pk).decided_ms > before.decided_ms


def test_nothing_fires_while_paused_nor_is_made_good_afterwards(tenant: Tenant, hours: Hours) -> None:
    make(tenant, catch_up="all")
    stale = Schedule.objects.get(namespace=tenant.name)
    paused = tenant.ask("POST", "/schedules/pulse/pause", {"reason": "the source is down"}).body
    assert (paused["status"], paused["paused"]["reason"], paused["next_fire_at"]) == (
        "paused",
        "the source is down",
        None,
    )
    hours.pass_by(600_000)
    # Somebody has read it before it was paused.
    schedules = wiring.backend().schedules(tenant.name)
    fire = ticking._planned(stale, ScheduleState(schedule_rows.store_now(tenant.name, stale.id), None)).fire
    assert fire is not None
    assert wiring.runner().run(schedules.fire(fire)).code == "changed"
    assert tenant.ask("POST", "/schedules/pulse/resume").body["paused"] is None
    hours.pass_by(61_000)
    assert outcomes(tenant) == [("fired", 1)]


def test_a_job_by_hand_is_one_of_its_own(tenant: Tenant, hours: Hours) -> None:
    made = make(tenant, overlap="skip")
    run = tenant.ask("POST", "/schedules/pulse/run", {"reason": "to see"})
    assert run.status == 202
    assert run.headers["location"] == f"/jobs/{run.body['id']}"
    assert tenant.job(run.body["id"])["schedule_id"] == made["id"]
    assert outcomes(tenant) == [("by_hand", 1)]
    hours.pass_by(61_000)
    assert outcomes(tenant) == [("by_hand", 1), ("overlap", 1)]


def test_a_schedule_of_one_instant_ends(tenant: Tenant, hours: Hours) -> None:
    at = instant(tenant.bench.now() + 60_000)
    answer = tenant.ask("POST", "/schedules", {"name": "pulse", "at": at, "kind": "k"})
    assert answer.status == 201
    hours.pass_by(HOUR_MS)
    assert outcomes(tenant) == [("fired", 1)]
    assert tenant.ask("GET", "/schedules/pulse").body["status"] == "ended"


def test_jitter_spreads_the_jobs_and_not_the_instants(tenant: Tenant, hours: Hours) -> None:
    make(tenant, every_ms=60_000, jitter_ms=30_000, catch_up="all")
    hours.pass_by(301_000)
    data = tenant.ask("GET", "/schedules/pulse/history").body["data"]
    waits = {tenant.job(fire["job_id"])["scheduled_for"][17:] for fire in data}
    assert len(data) == 5
    assert len(waits) > 1


def test_a_preview_tells_of_clocks_and_herds(tenant: Tenant) -> None:
    trial = tenant.ask(
        "POST", "/schedules/preview", {"cron": "30 2 29 3 *", "timezone": "Europe/Paris", "count": 5}
    ).body
    gaps = [fire for fire in trial["data"] if fire["note"] == "gap"]
    assert all(fire["local"].endswith("03:00:00+02:00") for fire in gaps)
    autumn = tenant.ask(
        "POST", "/schedules/preview", {"cron": "30 1 * 10 SUN", "timezone": "Europe/London", "count": 9}
    )
    assert {fire["note"] for fire in autumn.body["data"]} == {"repeated", None}
    assert [warning["code"] for warning in autumn.body["warnings"]] == ["dst_repeated"]
    for number in range(10):
        make(tenant, name=f"h{number}", cron="0 0 1 1 *", every_ms=None)
    make(tenant, name="mine", cron="0 0 1 1 *", every_ms=None)
    herd = tenant.ask("GET", "/schedules/mine/preview?count=3").body
    assert [warning["code"] for warning in herd["warnings"]] == ["herd_minute"]
    assert len(herd["data"]) == 3
    assert tenant.ask("POST", "/schedules/preview", {"cron": "x"}).body["errors"][0]["position"] == 1

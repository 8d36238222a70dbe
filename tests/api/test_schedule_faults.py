"""Schedules of which something is wrong from outside: the others fire, and it is put right or said."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from jobs import wiring
from jobs.access.models import Schedule
from jobs.backends.redis.backend import RedisBackend
from jobs.domain.instant import instant
from jobs.domain.quota import Quota
from jobs.services import ticking
from jobs.services.ticking import Ticker
from tests.api.tenant import Tenant
from tests.api.test_schedules import HOUR_MS, Hours, hours, make, outcomes

__all__ = ["hours"]
YEAR_MS = 365 * 24 * HOUR_MS
MINUTE_MS = 60_000


def row_of(tenant: Tenant, name: str = "pulse") -> Schedule:
    return Schedule.objects.get(namespace=tenant.name, name=name)


def tick(tenant: Tenant, times: int = 1, milliseconds: int = 0) -> None:
    """Let somebody come who has seen nothing before, again and again."""
    for _ in range(times):
        tenant.bench.advance(milliseconds)
        Ticker(tenant.name, only_there=True).tick()


def test_a_schedule_goes_on_after_the_database_went_back(tenant: Tenant, hours: Hours) -> None:
    make(tenant)
    old = row_of(tenant)
    for _ in range(3):
        for verb in ("pause", "resume"):
            tenant.ask("POST", f"/schedules/pulse/{verb}", {})
    hours.pass_by(61_000)
    old.save()
    tick(tenant, 2, 2 * MINUTE_MS)
    assert row_of(tenant).revision > 7
    assert [what for what, _ in outcomes(tenant)].count("fired") == 2
    tick(tenant, 2, MINUTE_MS)
    nominals = [it["nominal_at"] for it in tenant.ask("GET", "/schedules/pulse/history").body["data"]]
    assert len(nominals) == len(set(nominals)) == 5
    assert tenant.ask("PATCH", "/schedules/pulse", {"jitter_ms": 1}).status == 200
    tick(tenant, 1, MINUTE_MS)
    assert outcomes(tenant)[-1] == ("fired", 1)


def test_what_was_removed_is_there_again_with_the_database_of_before(tenant: Tenant, hours: Hours) -> None:
    make(tenant)
    old = row_of(tenant)
    assert tenant.ask("DELETE", "/schedules/pulse").status == 204
    old.save(force_insert=True)
    tick(tenant, 2, MINUTE_MS + 500)
    assert outcomes(tenant)[-1] == ("fired", 1)


def test_no_job_by_hand_of_what_was_removed_meanwhile(
    tenant: Tenant, hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tenant)
    row = row_of(tenant)
    assert tenant.ask("DELETE", "/schedules/pulse").status == 204
    monkeypatch.setattr("jobs.services.schedule_runs.find_row", lambda *_: row)
    assert tenant.ask("POST", "/schedules/pulse/run", {}).status == 404
    keys = {key.decode() for key in tenant.bench.client.scan_iter(f"*{row.id}*")}
    assert all(":fires:" not in key and ":job:" not in key for key in keys)
    assert all(tenant.bench.client.pttl(key) > 0 for key in keys)


BREAKS: dict[str, dict[str, Any]] = {
    "zone": {"zone": "Gone/Zone", "cron": "* * * * *", "every_ms": 0},
    "cron": {"cron": "no cron", "every_ms": 0},
    "policy": {"catch_up": "never"},
    "job": {"job": '{"kind":"k","queue":"No"}'},
}


@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_row_says_so_and_is_sound_again_when_it_is_changed(tenant: Tenant, hours: Hours, what: str) -> None:
    make(tenant, name="a-first", payload=None)
    make(tenant)
    Schedule.objects.filter(namespace=tenant.name, name="a-first").update(**BREAKS[what])
    tick(tenant, 3, 61_000)
    assert outcomes(tenant) == [("fired", 1)] * 3
    if what != "policy":
        seen = tenant.ask("GET", "/schedules/a-first").body
        assert (seen["status"], bool(seen["fault"])) == ("broken", True)
        assert tenant.ask("GET", f"/schedules/{seen['name']}/history").body["fault"] == seen["fault"]
        assert tenant.ask("GET", "/schedules/a-first/preview").status == 200
        assert tenant.ask("POST", "/schedules/a-first/pause", {}).status == 200
        assert tenant.ask("POST", "/schedules/a-first/resume", {}).status == 200
    whole = {"every_ms": 61_000, "kind": "k", "timezone": "UTC"}
    assert tenant.ask("PUT", "/schedules/a-first", whole).body["status"] == "active"
    tick(tenant, 1, 61_500)
    assert outcomes(tenant, "a-first")[-1] == ("fired", 1)


def test_rows_that_nobody_can_decide_leave_the_others_their_turn(tenant: Tenant, other: Tenant, hours: Hours) -> None:
    make(tenant)
    one = row_of(tenant)
    broken = [
        Schedule(
            **{
                **{field.name: getattr(one, field.name) for field in Schedule._meta.fields},
                "id": tenant.bench.ids.make(),
                "name": f"p{number}",
                "zone": "Gone/Zone",
                "cron": "* * * * *",
                "every_ms": 0,
            }
        )
        for number in range(150)
    ]
    Schedule.objects.bulk_create(broken)
    make(other)
    for bench in (tenant.bench, other.bench):
        bench.advance(62_000)
    ticker = Ticker(tenant.name)
    assert ticker.tick() is True
    assert outcomes(other) == [("fired", 1)]
    assert outcomes(tenant) == [("fired", 1)]
    # Those that wait are not looked at again at once.
    assert [ticker.tick() for _ in range(2)] == [False, False]


def test_what_is_damaged_in_the_store_stops_no_other(tenant: Tenant, hours: Hours) -> None:
    make(tenant)
    made = make(tenant, name="damaged")
    tenant.bench.client.set(tenant.bench.keys.named("schedule_prefix") + made["id"], "x")
    tick(tenant, 1, 61_000)
    assert outcomes(tenant) == [("fired", 1)]
    assert tenant.ask("GET", "/schedules/damaged").body["status"] == "broken"
    tenant.bench.client.delete(tenant.bench.keys.named("schedule_prefix") + made["id"])
    tick(tenant, 1, MINUTE_MS)
    assert tenant.ask("GET", "/schedules/damaged").body["status"] == "active"


@pytest.mark.parametrize("meanwhile", ["nothing", "pause", "made", "database"])
def test_a_clock_that_was_ahead_leaves_no_schedule_silent_and_no_instant_twice(
    tenant: Tenant, hours: Hours, meanwhile: str
) -> None:
    if meanwhile != "made":
        make(tenant)
        hours.pass_by(60_500)
    old = Schedule.objects.filter(namespace=tenant.name).first()
    tenant.bench.advance(YEAR_MS)
    if meanwhile == "made":
        make(tenant)
    tick(tenant, 2, MINUTE_MS)
    in_the_future = outcomes(tenant)
    tenant.bench.advance(-YEAR_MS)
    if meanwhile == "pause":
        for verb in ("pause", "resume"):
            assert tenant.ask("POST", f"/schedules/pulse/{verb}", {}).status == 200
    if meanwhile == "database":
        assert old is not None
        old.save()
    tick(tenant, 5, MINUTE_MS)
    fired = [it for it in tenant.ask("GET", "/schedules/pulse/history").body["data"] if it["outcome"] == "fired"]
    assert len(outcomes(tenant)) - len(in_the_future) >= 4
    assert len({it["nominal_at"] for it in fired}) == len(fired)
    # When it is that late in truth, what has its job gets no other.
    tenant.bench.advance(YEAR_MS - 10 * MINUTE_MS)
    tick(tenant, 15, MINUTE_MS)
    fired = [it for it in tenant.ask("GET", "/schedules/pulse/history").body["data"] if it["outcome"] == "fired"]
    assert len({it["nominal_at"] for it in fired}) == len(fired)
    assert len(fired) >= 15


def test_a_clock_that_goes_back_and_comes_again_makes_no_job_twice(tenant: Tenant, hours: Hours) -> None:
    make(tenant, every_ms=1_000, catch_up="all", catch_up_limit=180)
    tick(tenant, 20, 9_000)
    for back_ms in (-HOUR_MS, HOUR_MS + 5_000):
        # Only where this process's own clock is behind as well is the mark taken back.
        tenant.bench.advance(back_ms)
        tick(tenant, 2)
    ids = [tenant.job(it)["scheduled_for"] for it in tenant.bench.queue_ids()]
    assert len(ids) == len(set(ids))


def test_an_instant_that_comes_too_soon_for_the_quota_is_made_good(tenant: Tenant, hours: Hours) -> None:
    make(tenant)
    set_quota = RedisBackend().tenants(tenant.name).set_quota
    tenant.bench.run(set_quota(Quota(submissions_per_s=0)))
    tenant.bench.hold_clock()
    hours.pass_by(60_100)
    tick(tenant, 2, 1_000)
    assert outcomes(tenant) == [("delayed", 1)]
    tenant.bench.run(set_quota(Quota(submissions_per_s=5)))
    tick(tenant, 1, 1_000)
    assert outcomes(tenant) == [("delayed", 1), ("fired", 1)]
    # What comes too late for all that falls under the catch-up.
    tenant.bench.run(set_quota(Quota(submissions_per_s=0)))
    tick(tenant, 3, MINUTE_MS)
    tenant.bench.run(set_quota(Quota(submissions_per_s=5)))
    tick(tenant, 1, 15_000)
    assert [what for what, _ in outcomes(tenant)].count("fired") == 2


def test_large_payloads_are_made_good_in_parts_that_the_store_carries(
    tenant: Tenant, hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tenant, catch_up="all", catch_up_limit=20, payload={"a": "x" * 250_000})
    sizes: list[int] = []
    planned = ticking._planned

    def seen(*given: Any) -> Any:
        due = planned(*given)
        sizes.append(due.size)
        return due

    monkeypatch.setattr(ticking, "_planned", seen)
    tenant.bench.advance(30 * MINUTE_MS + 30_000)
    assert hours.ticker.tick() is True
    while hours.ticker.tick():
        pass
    assert max(sizes) <= 1024 * 1024 + 512
    assert outcomes(tenant) == [("missed", 10), *[("fired", 1)] * 20]


def test_all_fields_of_the_state_are_told(tenant: Tenant, hours: Hours) -> None:
    made = make(tenant)
    state = wiring.runner().run(wiring.backend().schedules(tenant.name).state(made["id"]))
    assert dataclasses.asdict(state) == {"now_ms": state.now_ms, "mark_ms": None, "revision": 1, "ahead": frozenset()}
    assert instant(state.now_ms)

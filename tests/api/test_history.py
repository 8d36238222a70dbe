"""`/history`: written down once a minute by whichever process comes first, added up by the hour, told in points."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from django.db.models import F

from jobs.access.history import HOUR_S, MINUTE_S, HistoryClock, HistoryPoint, HistoryReading
from jobs.domain.history import KindMoment, Moment, QueueMoment
from jobs.services.history_recording import HOURS_KEPT_S, record_minute, roll_up
from tests.api.tenant import Tenant


def do_some(tenant: Tenant, minutes_ago: int, kind: str = "demo.echo") -> None:
    """Let three jobs come in, two complete and one fail, at the beginning of a minute some minutes ago."""
    bench = tenant.bench
    back_ms = 60_000 * minutes_ago + bench.now() % 60_000
    bench.advance(-back_ms)
    for _ in range(3):
        bench.submit(queue="mail", kind=kind)
    for _ in range(2):
        bench.settle(bench.lease(queues=("mail",)))
    bench.fail(bench.lease(queues=("mail",)))
    bench.advance(back_ms)


def look(tenant: Tenant, query: str = "range=1h") -> Any:
    answer = tenant.ask("GET", f"/history?{query}")
    assert answer.status == 200
    return answer.body


def some_minutes_later(tenant: Tenant, minutes: int) -> None:
    """Let the namespace's row and the clock's be as they were some minutes ago."""
    HistoryReading.objects.filter(namespace=tenant.name).update(at=F("at") - MINUTE_S * minutes)
    HistoryClock.objects.update(minute=F("minute") - MINUTE_S * minutes)


def test_what_a_minute_did_is_told_of_all_of_a_queue_and_of_a_kind(tenant: Tenant) -> None:
    assert record_minute()
    some_minutes_later(tenant, 4)
    do_some(tenant, 2)
    tenant.bench.submit(queue="mail")
    assert record_minute()
    whole = look(tenant)
    total = whole["total"]
    assert (total["submitted"], total["completed"], total["failed"], total["retried"]) == (3, 2, 1, 1)
    assert (total["ready"], total["running"], total["finished"]) == (1, 0, 2)
    assert total["run_p50_s"] is not None
    assert total["wait_p95_s"] is not None
    assert total["wait_p99_s"] >= total["wait_p95_s"]
    [busy] = [point for point in whole["points"] if point["submitted"]]
    assert (busy["submitted"], busy["completed"]) == (3, 2)
    mail = look(tenant, "range=1h&queue=mail")["total"]
    assert (mail["submitted"], mail["finished"], mail["ready"]) == (3, 2, 1)
    assert (mail["completed"], mail["failed"], mail["retried"]) == (2, 1, 1)
    echo = look(tenant, "range=6h&kind=demo.echo")["total"]
    assert (echo["completed"], echo["failed"], echo["retried"], echo["ready"]) == (2, 1, 1, 0)
    for part in (mail, echo):
        assert [part[f"{what}_p{number}_s"] for what in ("wait", "run") for number in (50, 95, 99)] == [
            total[f"{what}_p{number}_s"] for what in ("wait", "run") for number in (50, 95, 99)
        ], "there are no others"
    for nothing in ("queue=none", "kind=demo.none"):
        assert look(tenant, f"range=1h&{nothing}")["total"]["submitted"] == 0


def test_a_minute_is_written_once_and_what_a_dead_process_left_out_is_written_later(tenant: Tenant) -> None:
    now = time.time()
    assert record_minute(lambda: now)
    assert not record_minute(lambda: now), "somebody has"
    some_minutes_later(tenant, 6)
    do_some(tenant, 4)
    # A process took a minute on and died; another one comes minutes later.
    HistoryClock.objects.update(minute=F("minute") + 2 * MINUTE_S)
    do_some(tenant, 1)
    now = time.time()
    assert record_minute(lambda: now)
    assert not record_minute(lambda: now)
    assert look(tenant)["total"]["submitted"] == 6
    assert [point["completed"] for point in look(tenant)["points"] if point["submitted"]] == [2, 2]
    assert look(tenant, "range=1h&kind=demo.echo")["total"]["completed"] == 4


def test_a_clock_that_was_set_far_ahead_does_not_end_the_history(tenant: Tenant) -> None:
    now = time.time()
    assert record_minute(lambda: now + 10 * 24 * HOUR_S)
    assert record_minute(lambda: now)
    assert not record_minute(lambda: now)


def test_hours_are_added_up_and_what_is_old_is_forgotten(tenant: Tenant) -> None:
    now = int(time.time())
    hour = now - now % HOUR_S - 5 * HOUR_S
    moment = Moment(submitted=2, waits={"1": 4}, kinds={"k": KindMoment(1)}, queues={"q": QueueMoment(2, 0, 7)})
    text = msgspec.json.encode(moment).decode()
    minutes = [hour + MINUTE_S * number for number in range(3 * 60)]
    ages = [(MINUTE_S, at) for at in minutes]
    ages += [(MINUTE_S, now - 8 * 24 * HOUR_S), (HOUR_S, now - HOURS_KEPT_S - HOUR_S)]
    HistoryPoint.objects.bulk_create(
        HistoryPoint(namespace=tenant.name, step_s=step_s, at=at, moment=text) for step_s, at in ages
    )
    before = look(tenant, "range=7d")["total"]
    assert (before["submitted"], before["ready"]) == (2 * 180, 7)
    HistoryClock.objects.update_or_create(pk=1, defaults={"hour": hour})
    rounds = 0
    while roll_up(now):
        rounds += 1
    assert rounds == 3
    hours = HistoryPoint.objects.filter(namespace=tenant.name, step_s=HOUR_S).values_list("at", flat=True)
    assert sorted(hours) == [hour, hour + HOUR_S, hour + 2 * HOUR_S]
    assert HistoryPoint.objects.filter(namespace=tenant.name, step_s=MINUTE_S).count() == 180
    assert look(tenant, "range=7d")["total"] == before
    HistoryPoint.objects.filter(step_s=MINUTE_S).delete()
    assert look(tenant, "range=7d")["total"] == before
    assert look(tenant, "range=24h")["total"]["submitted"] == 0


def test_the_stretch_before_is_told_beside(tenant: Tenant) -> None:
    now = int(time.time())
    for hours_ago, submitted in ((1, 5), (30, 9), (50, 100)):
        text = msgspec.json.encode(Moment(submitted=submitted)).decode()
        at = now - now % MINUTE_S - hours_ago * HOUR_S
        HistoryPoint.objects.create(namespace=tenant.name, step_s=MINUTE_S, at=at, moment=text)
    found = look(tenant, "range=24h")
    assert (found["total"]["submitted"], found["before"]["submitted"], len(found["points"])) == (5, 9, 288)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("range=2h", ("?range", "invalid_choice")),
        ("queue=A", ("?queue", "invalid_name")),
        ("kind=%00", ("?kind", "invalid_name")),
        ("queue=a&kind=b", ("?kind", "conflict")),
        ("range=1h&range=6h", ("?range", "repeated_parameter")),
    ],
)
def test_a_wrong_parameter_is_named(tenant: Tenant, query: str, problem: tuple[str, str]) -> None:
    answer = tenant.ask("GET", f"/history?{query}")
    assert (answer.status, answer.problems) == (422, [problem])

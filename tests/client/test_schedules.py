"""Schedules through either client."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from ironforge_client import Client, Invalid, NotFound
from tests.waiting import until

pytestmark = pytest.mark.journey


def test_a_schedule_is_put_seen_run_paused_and_removed(client: Client, queue: str) -> None:
    name = f"s-{queue}"
    made = client.put_schedule(name, "demo.echo", cron="0 9 * * 1-5", timezone="Europe/Paris", payload=[1], queue=queue)
    assert (made.status, made.cron, made.job["payload"], made.is_owned_by_code) == ("active", "0 9 * * 1-5", [1], False)
    assert client.put_schedule(name, "demo.echo", every_ms=3_600_000, queue=queue).id == made.id
    assert client.schedule(made.id) in client.schedules()
    job = client.run_schedule(name, idempotency_key=name)
    assert client.run_schedule(name, idempotency_key=name).id == job.id
    assert client.get(job.id).schedule_id == made.id
    (fire,) = client.schedule_history(name)
    assert (fire.outcome, fire.job_id) == ("by_hand", job.id)
    first, second = client.preview_schedule(name, 2).fires
    assert second.at - first.at == timedelta(hours=1)
    assert client.pause_schedule(name, "for a test").next_fire_at is None
    assert client.resume_schedule(name).next_fire_at == first.at
    client.delete_schedule(name)
    with pytest.raises(NotFound):
        client.schedule(name)


def test_a_mistake_is_told_and_a_change_of_clocks_too(client: Client) -> None:
    with pytest.raises(Invalid) as wrong:
        client.preview_timing(cron="0 25 * * *")
    assert wrong.value.errors[0].code == "invalid_cron"
    shown = client.preview_timing(20, cron="30 2 * 3 SUN", timezone="Europe/Paris")
    assert "gap" in {fire.note for fire in shown.fires}
    assert [warning.code for warning in shown.warnings] == ["dst_gap"]


def test_an_instant_is_fired_by_the_installation_itself(client: Client, queue: str) -> None:
    name = f"once-{queue}"
    # An instant that is over is refused, and on a machine that stands still a second is soon over.
    for seconds in (1, 5, 30):
        with suppress(Invalid):
            client.put_schedule(name, "demo.echo", at=datetime.now(UTC) + timedelta(seconds=seconds), queue=queue)
            break
    until(lambda: [fire.outcome for fire in client.schedule_history(name)] == ["fired"])
    until(lambda: client.schedule(name).status == "ended")
    client.delete_schedule(name)

"""Loops in a process of their own: schedules fire there and nowhere else."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.journeys.installation import START_S, entries_of, installation
from tests.waiting import until

pytestmark = pytest.mark.journey

SECOND = timedelta(seconds=1)


def test_schedules_fire_where_loops_run_and_a_server_alone_fires_nothing(tmp_path: Path) -> None:
    with installation(tmp_path / "data", "--no-worker", IRONFORGE_LOOPS="apart") as running:
        api, apart = running.api, running.pid_of("loops")

        def fired() -> int:
            return len(api.ask("GET", "/schedules/pulse/history").body["data"])

        def overdue() -> timedelta:
            due = api.ask("GET", "/schedules/pulse").body["next_fire_at"]
            return datetime.now(UTC) - datetime.fromisoformat(due)

        assert running.log.told("loops.health", within_s=START_S)["status"] == "ok"
        made = api.ask("PUT", "/schedules/pulse", {"every_ms": 1_000, "kind": "demo.echo"})
        assert made.status == 201
        until(lambda: fired() > 0)
        os.kill(apart, signal.SIGSTOP)
        try:
            until(lambda: overdue() > SECOND)
            before = fired()
            until(lambda: overdue() > 2 * SECOND)
            assert fired() == before, "the server fired"
            assert list(api.ask("GET", "/health").body["loops"]) == ["apart"]
        finally:
            os.kill(apart, signal.SIGCONT)
        until(lambda: fired() > before)
    [stopped] = entries_of(running.log, "loops.stopped")
    assert (stopped["pid"], stopped.get("cut_off")) == (apart, None)

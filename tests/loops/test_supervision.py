"""Loops end together within one time, and say how they are."""

from __future__ import annotations

import json
import logging
import threading
import time

import pytest

from jobs.loops import health_line
from jobs.loops.supervision import Loop, RunningLoops
from jobs.services.health import STUCK_S
from jobs.telemetry.logs import JsonFormatter
from tests.waiting import WAIT_S, until


def test_loops_that_do_not_end_are_waited_for_once_and_named() -> None:
    begun, may_end = threading.Barrier(4), threading.Event()

    def endless() -> bool:
        begun.wait(WAIT_S)
        return not may_end.wait(WAIT_S)

    loops = [Loop(name, endless, 0.0) for name in ("a", "b", "c")]
    running = RunningLoops([*loops, Loop("idle", lambda: False, 60.0)])
    begun.wait(WAIT_S)
    began = time.monotonic()
    running.stop(0.2)
    assert time.monotonic() - began < WAIT_S / 2, "nobody waits for what does not end"
    assert running.left == ["a", "b", "c"]
    assert running.names == ["a", "b", "c", "idle"]
    may_end.set()
    until(lambda: running.left == [])


@pytest.mark.parametrize(("age_s", "level", "stuck"), [(1.0, "INFO", None), (STUCK_S + 1, "WARNING", ["alerts"])])
def test_the_line_names_what_does_not_get_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, age_s: float, level: str, stuck: list[str] | None
) -> None:
    monkeypatch.setattr(health_line.progress, "seconds_since_ok", lambda: {"schedules": 0.12, "alerts": age_s})
    with caplog.at_level(logging.INFO, "ironforge"):
        health_line.tell_health()
    [record] = caplog.records
    told = json.loads(JsonFormatter().format(record))
    assert (told["event"], told["level"], told.get("stuck")) == ("loops.health", level, stuck)
    assert told["loops"] == {"alerts": age_s, "schedules": 0.1}
    assert told["status"] == ("degraded" if stuck else "ok")

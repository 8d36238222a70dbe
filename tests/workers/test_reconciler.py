"""A walk through the jobs that goes wrong: it ends and is told, and the next one begins in its time."""

from __future__ import annotations

import logging

import pytest

from jobs.backends.call import Call
from jobs.backends.maintainer import Maintainer
from jobs.domain.errors import BackendUnavailable
from tests.stores import LEASE_MS, Bench
from workers.maintenance import reconciler as module
from workers.maintenance.reconciler import Reconciler


class Link:
    """Carries calls out, but for one script, in whose place it fails."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.fault: Exception | None = None
        self.scripts: list[str] = []

    def run(self, call: Call[object]) -> object:
        self.scripts.append(call.script)
        if call.script == "reconcile_jobs" and self.fault is not None:
            raise self.fault
        return self._bench.run(call)


@pytest.fixture
def link(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Link:
    monkeypatch.setattr(module, "INTERVAL_MS", 0)
    monkeypatch.setattr(module, "_ASK_EVERY_S", 0.0)
    return Link(bench)


def reconciler(bench: Bench, link: Link) -> Reconciler:
    maintainer: Maintainer = bench.maintainer
    return Reconciler(maintainer, link, LEASE_MS, logging.getLogger("ironforge.worker"))  # type: ignore[arg-type]


def test_a_step_that_fails_ends_its_walk_and_the_next_walk_begins_anew(
    bench: Bench, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    made = reconciler(bench, link)
    link.fault = ValueError("not to be read")
    with caplog.at_level(logging.ERROR):
        made.step()
    link.fault = None
    link.scripts.clear()
    made.step()
    assert link.scripts[:2] == ["reconcile_due", "reconcile_jobs"]
    assert link.scripts[-1] == "recount"


def test_a_store_that_is_away_only_interrupts_a_walk(bench: Bench, link: Link) -> None:
    made = reconciler(bench, link)
    link.fault = BackendUnavailable("away")
    with pytest.raises(BackendUnavailable):
        made.step()
    link.fault = None
    link.scripts.clear()
    made.step()
    assert link.scripts[0] == "reconcile_jobs"

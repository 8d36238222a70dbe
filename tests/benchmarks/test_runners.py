"""IronForge's own runners work, at sizes that tell nothing."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.competitor import BARE, OURS
from benchmarks.measures import cost, drain, live, pickup
from benchmarks.plan import TINY
from benchmarks.process import answers
from benchmarks.progress import Progress
from benchmarks.run import Run
from benchmarks.stack import Builder
from tests.waiting import until

pytestmark = pytest.mark.journey


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a tiny run of IronForge alone."""
    plan = replace(TINY, drain_jobs=200, pickup_jobs=5, cost_jobs=200, live_browsers=4, live_rate=200, live_s=0.5)
    plan = replace(plan, drain_limit_s=60.0)
    return Run(plan, Builder(tmp_path, lambda _: None), Progress(io.StringIO()), wanted=frozenset())


def test_a_worker_drains_its_queue_and_picks_up(run: Run) -> None:
    everysec = OURS[:1]
    run.rounds("drain", everysec, lambda stack, turn: drain.drain(stack, turn, "one"))
    run.rounds("pickup", everysec, pickup.pick_up)
    run.rounds("cost", everysec, cost.spend)
    assert run.result.missing == {}
    assert run.result.medians("drain", "ironforge", "one process")["jobs"] == 200
    assert run.result.medians("pickup", "ironforge", "idle worker")["p50_ms"] > 0
    assert 0 < run.result.medians("cost", "ironforge", "all three")["share"] < 100


def test_browsers_look_while_jobs_flow(run: Run) -> None:
    run.rounds("live", OURS[:1], live.measure)
    assert run.result.missing == {}
    # The clock of a process has few ticks for a server that stands still for a moment.
    found = [run.result.medians("live", "ironforge", case)["server_percent"] for case in ("no browser", "4 browsers")]
    assert max(found) > 0


def test_the_bare_endpoint_is_served_by_the_same_server_and_ends_with_the_run(run: Run) -> None:
    with run.builder.stack(BARE) as stack, stack.web() as (started, port):
        until(lambda: answers(port))
        pids = started.pids()
    assert pids
    assert not answers(port)

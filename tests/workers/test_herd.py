"""The connections of very many workers are dropped at once: they come back bit by bit, and each job runs once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from jobs import wiring
from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from tests.backends.servers import Server
from tests.conftest import FIGURE
from tests.stores import Bench
from tests.torture.pulse import Pulse
from tests.waiting import until
from tests.workers.test_worker import working
from workers import Context, handler
from workers.registry import Registry

JOB_S = 0.3
# Of the store's processor for each connection that came back, with what the workers ask meanwhile.
CPU_MS = 20.0
# Each loop waits for a time of its own before it tries again, and those with nothing urgent for longer.
SPREAD_S = 0.2
BACK = 0.9


def _ids(bench: Bench) -> list[int]:
    mine = bench.client.client_id()
    found = bench.client.client_list(_type="normal")
    return [int(each["id"]) for each in found if int(each["id"]) != mine and each["name"].startswith("ironforge-")]


def _drop(bench: Bench, ids: list[int]) -> list[float]:
    """Drop connections in one step of the store; return when each new one was made (s), as somebody sees who looks."""
    before, began, times = bench.client.info("stats")["total_connections_received"], time.monotonic(), list[float]()
    together = bench.client.pipeline(transaction=True)
    for number in ids:
        together.execute_command("CLIENT", "KILL", "ID", number)
    together.execute(raise_on_error=False)

    def have_come() -> bool:
        made = bench.client.info("stats")["total_connections_received"] - before
        times.extend([time.monotonic() - began] * (made - len(times)))
        # One that waits for hints is made when its worker has nothing to do.
        return made >= BACK * len(ids)

    until(have_come, 60)
    return times


def _spread(times: list[float]) -> float:
    return times[9 * len(times) // 10] - times[len(times) // 10]


def _cpu_ms(bench: Bench) -> float:
    found = bench.client.info("cpu")
    return float(found["used_cpu_user"] + found["used_cpu_sys"]) * 1000


@pytest.mark.parametrize("workers", [25, pytest.param(125, marks=[pytest.mark.long, pytest.mark.timeout(180)])])
def test_workers_whose_connections_are_dropped_come_back_spread_and_run_each_job_once(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: pytest.RecordProperty
) -> None:
    registry, starts = Registry(), Counter[str]()

    @handler("slow", into=registry)
    async def slow(context: Context, payload: object) -> None:
        starts[context.job_id] += 1
        await asyncio.sleep(JOB_S)

    with Server(tmp_path) as server, Bench(url=server.url) as bench, ExitStack() as stack:
        monkeypatch.setattr(wiring, "store_url", lambda: server.url)
        for _ in range(workers):
            stack.enter_context(working(bench, registry, concurrency=2))
        until(lambda: len(bench.run(bench.inspector.workers())) == workers, 60)
        until(lambda: len(_ids(bench)) >= 3 * workers)
        jobs = [made.job_id for _ in range(workers // 25) for made in bench.submit_all([JobSpec(kind="slow")] * 100)]
        until(lambda: len(starts) >= workers, 60)
        dropped, before_ms, pulse = _ids(bench), _cpu_ms(bench), Pulse()
        times = _drop(bench, dropped)
        cpu_ms = (_cpu_ms(bench) - before_ms) / len(dropped)
        until(lambda: bench.depth(Status.COMPLETED) == len(jobs), 60)
        until(lambda: len(_ids(bench)) >= BACK * len(dropped), 60)
        more = len(_ids(bench)) - len(dropped)
        assert starts == Counter(jobs)
        while _spread(times) <= SPREAD_S and pulse.stalls:
            # All pauses were over when the machine went on: that says nothing of how they were spread.
            pulse.stalls.clear()
            times = _drop(bench, _ids(bench))
            until(lambda: len(_ids(bench)) >= BACK * len(dropped))
        pulse.stop()
    assert len(dropped) >= 3 * workers
    assert abs(more) < len(dropped) // 4
    assert _spread(times) > SPREAD_S
    assert cpu_ms < CPU_MS
    told = f"{len(dropped)} connections dropped at once, half made anew within {times[len(times) // 2]:.2f} s"
    record_property(FIGURE, f"{told}, {BACK:.0%} within {times[-1]:.2f} s, {cpu_ms:.1f} ms of the store's CPU each")

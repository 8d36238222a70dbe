"""What ends while a claim is under way is settled beside it; a channel that holds the claim back shows it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import TypeVar

import pytest

from jobs import wiring
from jobs.backends.call import Call
from jobs.backends.redis.channel import Channel
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import JobSpec
from jobs.domain.lease import Claim
from jobs.domain.status import Status
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import working
from workers.aside import LEAST
from workers.registry import Registry

T = TypeVar("T")


class HoldingChannel(Channel):
    """The real channel; one claim waits until something was settled beside it, while enough jobs run for that."""

    faults: list[Exception] = []
    beside: list[int] = []

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel._connect)
        self._running = 0
        self._held: asyncio.Event | None = None

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        scripts = [call.script for call in calls]
        if scripts == ["claim"] and self._held is None and self._running >= LEAST:
            self._held = asyncio.Event()
            await self._held.wait()
        answers = await super().run_many(calls)
        for answer in answers:
            self._running += len(answer.leases) if isinstance(answer, Claim) else 0
            self._running -= len(answer) if isinstance(answer, list) else 0
        if scripts == ["settle"] and self._held is not None and not self._held.is_set():
            self.beside.append(sum(isinstance(answer, list) and len(answer) for answer in answers))
            self._held.set()
            if self.faults:
                raise self.faults.pop()
        return answers


@pytest.fixture(autouse=True)
def _held(monkeypatch: pytest.MonkeyPatch, prompt: None) -> Iterator[None]:
    connect = wiring.channel
    monkeypatch.setattr(wiring, "channel", lambda *names: HoldingChannel(connect(*names)))
    HoldingChannel.faults, HoldingChannel.beside = [], []
    yield
    assert HoldingChannel.faults == []


@pytest.mark.parametrize("fault", [None, BackendUnavailable("the reply was lost"), ValueError("cannot be read")])
def test_what_ends_while_a_claim_is_under_way_is_settled_beside_it_and_once(
    bench: Bench, registry: Registry, fault: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    HoldingChannel.faults = [fault] if fault else []
    ids: list[str] = []

    def is_settled_beside() -> bool:
        # Jobs are claimed ahead, and a claim so sent by itself, once the worker knows how quickly they end.
        for _ in range(3):
            ids.extend(stored.job_id for stored in bench.submit_all([JobSpec(kind="echo")] * 200))
        return bool(HoldingChannel.beside)

    with caplog.at_level(logging.INFO, "ironforge.worker"), working(bench, registry, concurrency=50):
        until(is_settled_beside)
        until(lambda: all(bench.get(job_id).status is Status.COMPLETED for job_id in ids))
    assert {len(bench.get(job_id).attempts) for job_id in ids} == {1}
    assert bench.totals()["completed:echo"] == len(ids)
    told = [record.msg for record in caplog.records]
    assert told.count("job.completed") == len(ids)
    assert ("loop.crashed" in told) == isinstance(fault, ValueError)
    assert "lease.lost" not in told

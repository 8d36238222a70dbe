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
from jobs.domain.lease import Claim, Lease
from jobs.domain.outcome import OutcomeKind, Settled, Settlement
from jobs.domain.status import Status
from tests.stores import Bench
from tests.waiting import until
from tests.workers.leases import lease
from tests.workers.test_worker import working
from workers.aside import LEAST, Aside
from workers.faults import Faults
from workers.lease_table import LeaseTable
from workers.outbox import Outbox
from workers.registry import Registry
from workers.store_link import ChannelLink, StoreWatch

T = TypeVar("T")
LOGGER = logging.getLogger("ironforge.test")


class HoldingChannel(Channel):
    """The real channel; one claim waits until something was settled beside it, while enough jobs run for that."""

    faults: list[Exception] = []
    beside: list[int] = []
    running = 0  # by what all channels of a worker brought

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel._connect)
        self._held: asyncio.Event | None = None

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        scripts = [call.script for call in calls]
        if scripts == ["claim"] and self._held is None and HoldingChannel.running >= LEAST:
            self._held = asyncio.Event()
            await self._held.wait()
        answers = await super().run_many(calls)
        for answer in answers:
            HoldingChannel.running += len(answer.leases) if isinstance(answer, Claim) else 0
            HoldingChannel.running -= len(answer) if isinstance(answer, list) else 0
        if scripts == ["settle"] and self._held is not None and not self._held.is_set():
            self.beside.append(sum(isinstance(answer, list) and len(answer) for answer in answers))
            self._held.set()
            if self.faults:
                raise self.faults.pop()
        return answers

    async def run_after_pop(self, keys: Sequence[str], timeout_s: float, call: Call[T]) -> tuple[bool, T]:
        is_woken, claim = await super().run_after_pop(keys, timeout_s, call)
        HoldingChannel.running += len(claim.leases) if isinstance(claim, Claim) else 0
        return is_woken, claim


@pytest.fixture(autouse=True)
def _held(monkeypatch: pytest.MonkeyPatch, prompt: None) -> Iterator[None]:
    connect = wiring.channel
    monkeypatch.setattr(wiring, "channel", lambda *names: HoldingChannel(connect(*names)))
    HoldingChannel.faults, HoldingChannel.beside, HoldingChannel.running = [], [], 0
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


def test_after_a_call_that_could_not_be_read_outcomes_go_singly_and_none_beside_a_round() -> None:
    async def scenario() -> None:
        outbox = Outbox(LeaseTable(10_000), LOGGER, lambda: None, faults=Faults(LOGGER))
        for held in [lease("echo") for _ in range(3 * LEAST)]:
            outbox.put(held, completed(held))
        outbox.end(refused := outbox.begin())
        outbox.get_past(refused)
        # Nothing is sent: there is nobody to send it to.
        aside = Aside(None, ChannelLink(None, StoreWatch(LOGGER)), on_end=lambda: None, logger=LOGGER)  # type: ignore[arg-type]
        aside.offer(outbox)
        await asyncio.sleep(0)
        assert not aside.has_settled
        (first,) = outbox.begin()
        # What is accepted singly says nothing of the others.
        outbox.accept([first], [Settled(first.lease.job.id, Status.COMPLETED)])
        assert len(outbox.begin()) == 1
        outbox.send_all()
        assert len(outbox.begin()) == 3 * LEAST - 2
        assert outbox.due == 0

    asyncio.run(scenario())


def completed(held: Lease) -> Settlement:
    return Settlement(job_id=held.job.id, token=held.token, outcome=OutcomeKind.COMPLETED)

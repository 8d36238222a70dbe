"""Workers that speak HTTP on a namespace spread over a Cluster: each job's shard is asked, and one that is away alone
is told so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import msgspec
import pytest
from pytest_django import Settings

from jobs import wiring
from jobs.access.actor import Actor, system_actor
from jobs.backends.base import Submission
from jobs.backends.call import Call
from jobs.backends.redis import channel
from jobs.domain.errors import BackendUnavailable
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import JobSpec
from jobs.domain.lease import Lease
from jobs.domain.lease_body import ClaimOrder
from jobs.domain.outcome import OutcomeKind, Settled, Settlement
from jobs.domain.report import Report
from jobs.domain.status import Status
from jobs.domain.worker_body import Heartbeat, Registration
from jobs.services.leases import Leases
from jobs.services.polls import Poll
from jobs.services.waiting_room import MAX_BULK_JOBS_EACH, MAX_BYTES
from tests.backends.clusters import Cluster
from tests.stores import PATIENCE_S, random_namespace

SHARDS = 3
Story = Callable[[Leases, Actor, str], Awaitable[None]]


@pytest.fixture
def _spread(three_masters: Cluster, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Masters that have just started on a busy machine may take longer than a server waits for.
    monkeypatch.setattr(channel, "CALL_TIMEOUT_S", PATIENCE_S)
    settings.IRONFORGE_REDIS_URL = three_masters.url
    settings.IRONFORGE_SHARDS = SHARDS
    wiring.backend.cache_clear()
    yield
    wiring.backend.cache_clear()


def tell(story: Story) -> None:
    """Run a story with a worker that is registered."""
    actor = system_actor("test", random_namespace())

    async def whole() -> None:
        leases = Leases()
        worker_id = await leases.workers.register(
            actor,
            Registration(
                name="w",
                host="",
                pid=0,
                version="",
                app_version="",
                language="go",
                queues=("main",),
                kinds=(),
                concurrency=1,
            ),
        )
        try:
            async with asyncio.timeout(90):
                await story(leases, actor, worker_id)
        finally:
            wiring.close_channels()
            for task in leases._polls._hints._tasks:
                task.cancel()
            await asyncio.gather(*leases._polls._hints._tasks, return_exceptions=True)

    asyncio.run(whole())


async def submit(actor: Actor, *shards: int) -> None:
    """Store a job in each of these shards."""
    ids = IdentityMaker()
    for shard in shards:
        call = wiring.backend().producer(actor.namespace).submit([Submission(ids.make(shard), JobSpec(kind="k"))])
        await wiring.shared_channels("submit", actor.namespace).run(call)


def order(worker_id: str, wait_ms: int = 5_000) -> ClaimOrder:
    return ClaimOrder(worker_id=worker_id, queues=("main",), max_jobs=10, wait_ms=wait_ms, lease_ms=10_000, claim_id="")


async def claimed(leases: Leases, actor: Actor, worker_id: str, number: int) -> list[Lease]:
    """Return so many leases; each claim brings those of one shard."""
    found: list[Lease] = []
    while len(found) < number:
        found += (await leases.claim(actor, order(worker_id), Poll())).leases
    return found


@pytest.mark.usefixtures("_spread")
def test_jobs_of_all_shards_are_claimed_kept_reported_and_settled() -> None:
    async def story(leases: Leases, actor: Actor, worker_id: str) -> None:
        await submit(actor, 0, 1, 2, 2)
        found = await claimed(leases, actor, worker_id, 4)
        held = tuple((lease.job.id, lease.token) for lease in found)
        beat = Heartbeat(status="running", busy=None, leases=held, lease_ms=10_000)
        assert await leases.workers.beat(actor, worker_id, beat) == "run"
        assert set((await leases.extend(actor, held, 10_000)).extended) == {job_id for job_id, _ in held}
        reports = [Report(job_id=job_id, token=token, fraction=0.5) for job_id, token in held]
        assert await leases.report(actor, reports) == [True] * 4
        answers = await leases.settle(actor, [done(lease) for lease in found])
        assert answers == [Settled(job_id, Status.COMPLETED) for job_id, _ in held]

    tell(story)


@pytest.mark.usefixtures("_spread")
def test_a_poll_is_woken_by_any_shard() -> None:
    async def story(leases: Leases, actor: Actor, worker_id: str) -> None:
        for shard in range(SHARDS):
            waiting = asyncio.create_task(leases.claim(actor, order(worker_id, 20_000), Poll()))
            while not all(leases._polls._hints.at((actor.namespace, each))._listens_for for each in range(SHARDS)):
                await asyncio.sleep(0.005)
            await submit(actor, shard)
            (lease,) = (await waiting).leases
            assert lease.job.id.endswith(f"0{shard}")
            await leases.settle(actor, [done(lease)])

    tell(story)


@pytest.mark.usefixtures("_spread")
def test_what_a_shard_that_is_away_did_not_answer_is_told_job_by_job(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(leases: Leases, actor: Actor, worker_id: str) -> None:
        await submit(actor, 0, 1)
        found = await claimed(leases, actor, worker_id, 2)
        by_shard = {lease.job.id[-2:]: lease for lease in found}
        settler = leases._settler

        class Away:
            async def run(self, call: Call[object]) -> object:
                raise BackendUnavailable("away")

        monkeypatch.setattr(leases, "_settler", lambda name, shard: Away() if shard == 1 else settler(name, shard))
        first, second = await leases.settle(actor, [done(by_shard["01"]), done(by_shard["00"])])
        assert isinstance(first, BackendUnavailable)
        assert second == Settled(by_shard["00"].job.id, Status.COMPLETED)
        with pytest.raises(BackendUnavailable):
            await leases.settle(actor, [done(by_shard["01"])])
        assert (leases.room.bulk_jobs, leases.room.bulk_bytes) == (0, 0)
        leases.room.enter_bulk("other", MAX_BULK_JOBS_EACH, MAX_BYTES)
        with pytest.raises(BackendUnavailable, match="Too many"):
            await leases.settle(actor, [msgspec.structs.replace(done(lease), result=b"[1]") for lease in found])
        leases.room.leave_bulk("other", MAX_BULK_JOBS_EACH, MAX_BYTES)
        monkeypatch.setattr(leases, "_settler", settler)
        answers = await leases.settle(actor, [done(lease) for lease in found])
        assert [answer.status for answer in answers if isinstance(answer, Settled)] == [Status.COMPLETED] * 2

    tell(story)


def done(lease: Lease) -> Settlement:
    return Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.COMPLETED)

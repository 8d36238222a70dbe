"""A browser that was cut off while very much happened: after the gap it looks again and shows what the API says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from jobs.live import tail
from jobs.telemetry.feed import Batch, FeedFollower
from tests.live.conftest import Frame, Socket, Watcher, in_thread, tell
from tests.pages import listed_ids
from tests.stores import Bench


class Screen:
    """What a console shows: jobs it heard of by their last status; all of them fetched anew after a gap."""

    def __init__(self, look: Callable[[], dict[str, str]]) -> None:
        self.shown: dict[str, str] = {}
        self.looks = 0
        self._look = look

    async def take(self, frame: Frame) -> None:
        """Do with a frame what the console does with it."""
        if frame["gap"] or frame["more"]:
            self.looks += 1
            self.shown = await in_thread(self._look)
            return
        for job_id, status, _ in frame["changes"]:
            self.shown[job_id] = status


def look(bench: Bench) -> dict[str, str]:
    """Return what the API says: every job with its status."""
    ids = listed_ids(bench.client, bench.keys)
    batches = [ids[first : first + 200] for first in range(0, len(ids), 200)]
    jobs = [job for batch in batches for job in bench.run(bench.inspector.get_many(batch))]
    return {job.id: job.status.value for job in jobs if job is not None}


def flood(bench: Bench, events: int) -> None:
    """Make so many events; each call that changes something is one."""
    made = [answer.job_id for _ in range(5) for answer in bench.submit_all([JobSpec(kind="demo.echo")] * 200)]
    for number in range(events):
        if number < len(made) // 2:
            bench.settle(bench.lease())
        else:
            bench.submit()


@pytest.mark.parametrize("events", [600, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
def test_after_a_cut_and_a_flood_the_screen_shows_what_the_api_says(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, events: int
) -> None:
    is_cut = False
    real = FeedFollower.next_batch

    async def next_batch(follower: FeedFollower) -> Batch:
        if is_cut:
            raise BackendUnavailable("The store does not answer.")
        return await real(follower)

    monkeypatch.setattr(FeedFollower, "next_batch", next_batch)
    monkeypatch.setattr(tail, "_AFTER_FAILURE_S", 0.05)
    bench = watcher.bench

    async def story() -> None:
        nonlocal is_cut
        socket, screen = Socket(watcher.cookie), Screen(lambda: look(bench))
        assert await socket.open() is None
        await screen.take(await socket.frame())
        is_cut = True
        await in_thread(lambda: flood(bench, events))
        is_cut = False
        last = await in_thread(bench.submit)
        while last not in screen.shown:
            await screen.take(await socket.frame())
        # One more change, so that everything before it has been heard.
        await in_thread(lambda: bench.cancel(last))
        while screen.shown[last] != Status.CANCELLED.value:
            await screen.take(await socket.frame())
        assert screen.shown == await in_thread(lambda: look(bench))
        assert screen.looks <= 1 + 4, "it looked for each change"
        assert Counter(screen.shown.values())[Status.COMPLETED.value] == min(events, 500)
        await socket.disconnect()

    tell(story)

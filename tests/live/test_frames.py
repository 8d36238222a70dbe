"""What a browser hears: changes of its namespace, seldom, and a gap where it has to look again; and what it may say."""

from __future__ import annotations

import time

import pytest

from jobs.domain.errors import BackendUnavailable
from jobs.domain.event import Change, Event
from jobs.live import tail
from jobs.live.consumer import POLICY_VIOLATION, TOO_BIG
from jobs.live.frame import MOST_CHANGES, frame_of
from jobs.telemetry.feed import Batch, FeedFollower
from tests.live.conftest import Socket, Watcher, in_thread, tell
from tests.stores import Bench


def test_a_change_is_told_with_its_job_status_and_queue(watcher: Watcher) -> None:
    async def story() -> None:
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        assert (await socket.frame())["gap"] is True, "nobody knows what was before"
        job_id = await in_thread(lambda: watcher.bench.submit(queue="mail"))
        frame = await socket.frame_about(job_id)
        assert frame["changes"] == [[job_id, "queued", "mail"]]
        assert (frame["queues"], frame["gap"], frame["more"]) == (["mail"], False, False)
        await socket.disconnect()

    tell(story)


def test_nothing_is_told_of_another_namespace(watcher: Watcher) -> None:
    other = Bench()

    async def story() -> None:
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        await socket.frame()
        theirs = await in_thread(other.submit)
        ours = await in_thread(watcher.bench.submit)
        heard: list[str] = []
        while ours not in heard:
            heard += [change[0] for change in (await socket.frame())["changes"]]
        assert theirs not in heard
        await socket.disconnect()

    tell(story)
    other.close()


def test_a_storm_of_changes_makes_four_frames_a_second_at_most(watcher: Watcher) -> None:
    async def story() -> None:
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        await socket.frame()
        began = time.monotonic()
        submitted: list[str] = []
        while time.monotonic() - began < 1.5:
            submitted.append(await in_thread(watcher.bench.submit))
        heard: set[str] = set()
        frames = 0
        while submitted[-1] not in heard:
            frame = await socket.frame()
            frames += 1
            heard |= {change[0] for change in frame["changes"]}
        assert frames <= 4 * (time.monotonic() - began) + 1
        await socket.disconnect()

    tell(story)


def test_numbers_rise_by_one_so_that_a_lost_frame_is_noticed(watcher: Watcher) -> None:
    async def story() -> None:
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        numbers = [(await socket.frame())["n"]]
        for _ in range(3):
            job_id = await in_thread(watcher.bench.submit)
            numbers.append((await socket.frame_about(job_id))["n"])
        assert numbers == list(range(numbers[0], numbers[0] + 4))
        await socket.disconnect()

    tell(story)


def test_events_that_were_dropped_before_they_were_read_are_a_gap(watcher: Watcher) -> None:
    async def story() -> None:
        bench = watcher.bench
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        await socket.frame()
        job_id = await in_thread(bench.submit)
        await socket.frame_about(job_id)
        await in_thread(lambda: bench.client.delete(bench.keys.named("events")))
        await in_thread(bench.submit)
        while not (await socket.frame())["gap"]:
            pass
        # And after it everything is heard again.
        await socket.frame_about(await in_thread(bench.submit))
        await socket.disconnect()

    tell(story)


def test_a_store_that_goes_and_comes_back_is_told_as_two_gaps(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_lost = False
    real = FeedFollower.next_batch

    async def next_batch(follower: FeedFollower) -> Batch:
        if is_lost:
            raise BackendUnavailable("The store does not answer.")
        return await real(follower)

    monkeypatch.setattr(FeedFollower, "next_batch", next_batch)
    monkeypatch.setattr(tail, "_AFTER_FAILURE_S", 0.05)

    async def story() -> None:
        nonlocal is_lost
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        assert (await socket.frame())["gap"]
        is_lost = True
        assert (await socket.frame())["gap"], "look, and find that the store is down"
        is_lost = False
        assert (await socket.frame())["gap"], "look again"
        await socket.disconnect()

    tell(story)


def test_bytes_floods_and_long_messages_close_the_socket(watcher: Watcher) -> None:
    async def story() -> None:
        cases: list[tuple[str | bytes, int]] = [(b"\x00\xff", POLICY_VIOLATION), ("x" * 1_025, TOO_BIG)]
        for said, code in cases:
            socket = Socket(watcher.cookie)
            assert await socket.open() is None
            await socket.say(said)
            assert await socket.closed_with() == code
            await socket.disconnect()
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        for _ in range(70):
            await socket.say("{}")
        assert await socket.closed_with() == POLICY_VIOLATION
        await socket.disconnect()

    tell(story)


@pytest.mark.parametrize("said", ["", "{", "null", '{"type":"subscribe","namespace":"default"}', "[[[[", "é\u2028"])
def test_what_a_browser_says_is_not_obeyed(watcher: Watcher, said: str) -> None:
    async def story() -> None:
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        await socket.frame()
        await socket.say(said)
        job_id = await in_thread(watcher.bench.submit)
        assert (await socket.frame_about(job_id))["changes"] == [[job_id, "queued", "main"]]
        await socket.disconnect()

    tell(story)


def _event(queue: str, *changes: tuple[str, str | None]) -> Event:
    return Event(id="1-0", verb="settle", queue=queue, at=1, changes=tuple(Change(*change) for change in changes))


def test_of_a_job_that_changed_often_only_the_last_change_is_told() -> None:
    events = [_event("a", ("1", "queued"), ("2", "queued")), _event("a", ("1", "running")), _event("b", ("1", None))]
    frame = frame_of(7, events, is_gap=False)
    assert frame.changes == (("2", "queued", "a"), ("1", "", "b"))
    assert (frame.n, frame.queues, frame.more) == (7, ("a", "b"), False)


def test_a_frame_stays_small_and_says_that_there_was_more() -> None:
    events = [_event("a", *((str(number), "queued") for number in range(MOST_CHANGES + 1)))]
    frame = frame_of(1, events, is_gap=False)
    assert (len(frame.changes), frame.more) == (MOST_CHANGES, True)
    assert len(frame.encode()) < 16_000

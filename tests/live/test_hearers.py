"""Who hears frames: those alone whose page is not pushed. For nobody no frame is built, who comes late looks for
themselves, and a socket that ends in whatever way is not counted any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.test import override_settings

from jobs.access.models import Membership
from jobs.live import admission, consumer, tail
from jobs.live.consumer import NOT_SIGNED_IN, LiveConsumer
from jobs.live.gallery import gallery
from tests.live.conftest import HOST, LONGEST_WAIT_S, Socket, Watcher, in_thread, tell
from tests.live.test_looks import look, shown

PAGE = "/console/queues"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the numbers of the frames that were built."""
    numbers: list[int] = []
    real = tail.frame_of

    def frame_of(number: int, *args: Any, **kwargs: Any) -> Any:
        numbers.append(number)
        return real(number, *args, **kwargs)

    monkeypatch.setattr(tail, "frame_of", frame_of)
    return numbers


async def page_with(socket: Socket, word: str) -> str:
    while word not in (page := await shown(socket)):
        pass
    return page


async def opened(watcher: Watcher, **headers: str) -> Socket:
    socket = Socket(watcher.cookie, **headers)
    assert await socket.open() is None
    return socket


def test_no_frame_is_built_for_nobody_and_who_comes_late_looks_and_misses_nothing(
    watcher: Watcher, built: list[int]
) -> None:
    names = watcher.bench.namespace

    async def story() -> None:
        looker = await opened(watcher)
        await looker.frame()
        await look(looker, PAGE)
        await page_with(looker, "id=")
        assert tail.heard() == {names: 0}
        before = list(built)
        for queue in ("mail-1", "mail-2"):
            await in_thread(lambda queue=queue: watcher.bench.submit(queue=queue))
            await page_with(looker, queue)
        assert built == before, "somebody built a frame for nobody"
        late = await opened(watcher)
        first = await late.frame()
        assert (first["gap"], first["changes"]) == (True, []), "it is told to look for itself"
        assert first["n"] >= before[-1] + 2, "what nobody heard is counted, so who was away sees that it is missing"
        job_id = await in_thread(watcher.bench.submit)
        assert (await late.frame_about(job_id))["n"] == first["n"] + 1
        assert tail.heard() == {names: 1}
        # And the first one again, once its page cannot be pushed.
        await look(looker, "/nowhere")
        while not (await looker.frame()).get("gap"):
            pass
        assert tail.heard() == {names: 2}
        for socket in (looker, late):
            await socket.disconnect()
        assert tail.heard() == {}

    tell(story)


async def goes(socket: Socket, _watcher: Watcher) -> None:
    await socket.disconnect()


async def is_cut_off(socket: Socket, _watcher: Watcher) -> None:
    socket.future.cancel()
    await asyncio.wait([socket.future])


async def fails(socket: Socket, _watcher: Watcher) -> None:
    await look(socket, PAGE)
    with pytest.raises(ValueError, match="no such place"):
        await socket.wait(LONGEST_WAIT_S)


async def loses_its_rights(socket: Socket, watcher: Watcher) -> None:
    await in_thread(Membership.objects.all().delete)
    assert await socket.closed_with() == NOT_SIGNED_IN
    assert tail.heard() == {watcher.bench.namespace: 0}, "nothing is built for it while it closes"
    await socket.disconnect()


@pytest.mark.parametrize("is_looking", [False, True], ids=["hears", "looks"])
@pytest.mark.parametrize("end", [goes, is_cut_off, fails, loses_its_rights], ids=lambda end: end.__name__)
def test_a_socket_that_ended_holds_nothing(
    watcher: Watcher,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Socket, Watcher], Awaitable[None]],
    is_looking: bool,
) -> None:
    def place_of(*_: object) -> None:
        raise ValueError("no such place")

    monkeypatch.setattr(LiveConsumer, "recheck_s", 0.05 if end is loses_its_rights else LONGEST_WAIT_S)

    async def story() -> None:
        socket = await opened(watcher)
        if is_looking:
            await look(socket, PAGE)
            await shown(socket)
        if end is fails:
            monkeypatch.setattr(consumer, "place_of", place_of)
        await end(socket, watcher)
        assert (tail.heard(), dict(admission._open), gallery()._looks) == ({}, {}, {})

    tell(story)


def test_a_socket_whose_handshake_breaks_holds_nothing(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    async def accept(*_: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr(LiveConsumer, "accept", accept)

    async def story() -> None:
        socket = Socket(watcher.cookie)
        await socket.send_input({"type": "websocket.connect"})
        with pytest.raises(OSError, match="gone"):
            await socket.wait(LONGEST_WAIT_S)
        assert (tail.heard(), dict(admission._open)) == ({}, {})

    tell(story)


def test_a_place_that_the_channel_layer_took_away_is_given_again(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveConsumer, "recheck_s", 0.05)

    async def story() -> None:
        socket = await opened(watcher)
        await socket.frame()
        # What it does a day after somebody joined.
        get_channel_layer().groups.clear()
        for _ in range(2):
            while await socket.hear() != '{"type":"beat"}':
                pass
        await socket.frame_about(await in_thread(watcher.bench.submit))
        await socket.disconnect()

    tell(story)


@override_settings(ALLOWED_HOSTS=[HOST.partition(":")[0]])
def test_a_page_has_the_scheme_of_its_browser_and_is_shared_with_those_alone_who_have_the_same(
    watcher: Watcher,
) -> None:
    async def story() -> None:
        pages, sockets = {}, [await opened(watcher, origin=f"{scheme}://{HOST}") for scheme in ("https", "http")]
        for scheme, socket in zip(("https", "http"), sockets, strict=True):
            await look(socket, "/console/")
            pages[scheme] = await shown(socket)
        for scheme, other in (("https", "http"), ("http", "https")):
            assert f"{scheme}://{HOST}/jobs" in pages[scheme]
            assert f"{other}://{HOST}" not in pages[scheme]
        assert len(gallery()._looks) == 2
        for socket in sockets:
            await socket.disconnect()

    tell(story)

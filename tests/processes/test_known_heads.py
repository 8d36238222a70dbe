"""Requests whose head is known, on connections of every kind: who is answered, in which order, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from jobs.processes.known_heads import KnownHeads
from tests.processes.fake_connection import Client, Store, forget_heads, post, turns

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Story = Callable[[Store, Client], Coroutine[Any, Any, None]]


def told(story: Story, keep_alive_s: int = 75) -> None:
    """Tell a story of a client whose head is known: `post` of five bytes."""

    async def whole() -> None:
        forget_heads()
        store = Store()
        client = Client(store, keep_alive_s=keep_alive_s)
        await client.send(post(b"first"))
        assert (store.taken, store.direct) == ([b"first"], 0)
        client.transport.written, store.taken = b"", []
        await story(store, client)
        client.leave()
        forget_heads()

    asyncio.run(whole())


def stored(*bodies: bytes) -> list[tuple[int, bytes]]:
    return [(202, b"stored " + body) for body in bodies]


def test_the_second_request_with_a_head_is_served_directly_on_any_connection() -> None:
    async def story(store: Store, client: Client) -> None:
        other = Client(store)
        await client.send(post(b"again"))
        await other.send(post(b"other"))
        assert (store.direct, client.answers(), other.answers()) == (2, stored(b"again"), stored(b"other"))

    told(story)


def test_what_a_known_head_cannot_serve_is_refused_in_the_usual_way() -> None:
    async def story(store: Store, client: Client) -> None:
        await client.send(post(b"bad-1"), post(b"after"))
        assert (store.direct, client.answers()) == (1, [(422, b"refused"), *stored(b"after")])

    told(story)


@pytest.mark.parametrize(
    "pieces",
    [
        (post(b"again")[:-5], b"again"),
        (post(b"again")[:-3], b"ain"),
        (post(b"again")[:20], post(b"again")[20:]),
        (b"\r\n", post(b"again")[:-1], b"n"),
        (post(b"again", b"Expect: 100-continue")[:-5], b"again"),
        (post(b"again", b"Connection: close"),),
        (post(b"again", version=b"1.0"),),
        (b"POST /jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nagain\r\n0\r\n\r\n",),
    ],
    ids=["body apart", "body in two", "head in two", "line first", "expect", "close", "1.0", "chunked"],
)
def test_another_shape_takes_the_usual_way_and_is_answered_once(pieces: tuple[bytes, ...]) -> None:
    async def story(store: Store, client: Client) -> None:
        await client.send(*pieces)
        answers = [answer for answer in client.answers() if answer[0] != 100]
        assert (store.direct, answers, store.taken) == (0, stored(b"again"), [b"again"])
        is_last = b"close" in pieces[0] or b"/1.0" in pieces[0]
        assert client.transport.is_closing() == is_last
        if is_last:
            fresh = Client(store)
            await fresh.send(pieces[0])
            assert store.direct == 0, "a connection that ends is never remembered"

    told(story)


def test_a_known_head_in_the_middle_of_a_message_is_its_content() -> None:
    async def story(store: Store, client: Client) -> None:
        inner = post(b"inner")
        outer = post(inner)
        await client.send(outer[: -len(inner)], inner)
        await client.send(post(b"again") + post(b"later")[:4], post(b"later")[4:])
        assert (store.direct, client.answers()) == (0, stored(inner, b"again", b"later"))

    told(story)


def test_a_known_head_behind_the_start_of_another_is_a_part_of_that() -> None:
    async def story(store: Store, client: Client) -> None:
        await client.send(b"GET / HTTP/1.1\r\nX: ", post(b"again"))
        assert (store.direct, store.taken, client.answers()[0]) == (0, [], (200, b"GET"))

    told(story)


def test_a_known_head_behind_an_ordinary_request_waits_for_its_answer() -> None:
    async def story(store: Store, client: Client) -> None:
        store.is_held = True
        await client.send(post(b"of another length"), post(b"again"))
        for _ in range(2):
            store.release()
            await turns()
        assert (store.direct, client.answers()) == (0, stored(b"of another length", b"again"))

    told(story)


def test_nothing_is_known_on_a_connection_that_asked_for_another_protocol() -> None:
    async def story(store: Store, client: Client) -> None:
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", post(b"again"))
        assert store.direct == 0
        other = Client(store)
        await other.send(post(b"again"))
        assert store.direct == 1

    told(story)


def test_what_comes_behind_a_direct_request_waits_and_is_answered_in_order() -> None:
    async def story(store: Store, client: Client) -> None:
        store.is_held = True
        await client.send(post(b"again"), post(b"later") + GET + post(b"split")[:-2], b"it" + GET)
        assert (client.transport.is_paused, store.taken, client.answers()) == (True, [b"again"], [])
        for _ in range(3):
            store.release()
            await turns()
        assert client.answers() == [
            *stored(b"again", b"later"),
            (200, b"GET"),
            *stored(b"split"),
            (200, b"GET"),
        ]
        assert not client.transport.is_paused
        store.is_held = False
        await client.send(post(b"again"))
        assert store.direct == 2

    told(story)


def test_what_comes_before_the_held_is_taken_stays_behind_it() -> None:
    async def story(store: Store, client: Client) -> None:
        store.is_held = True
        await client.send(post(b"again"), GET)
        store.release()
        client.protocol.data_received(post(b"later"))
        await turns()
        store.release()
        await turns()
        assert client.answers() == [*stored(b"again"), (200, b"GET"), *stored(b"later")]

    told(story)


def test_a_client_that_leaves_has_its_job_once_and_hurts_nobody() -> None:
    async def story(store: Store, client: Client) -> None:
        other = Client(store)
        store.is_held = True
        await client.send(post(b"again"), post(b"never"))
        await other.send(post(b"other"))
        client.leave()
        store.release()
        await turns()
        assert (store.taken, client.answers(), other.answers()) == ([b"again", b"other"], [], stored(b"other"))

    told(story)


def test_a_client_that_does_not_read_is_served_in_the_usual_way_and_waits() -> None:
    async def story(store: Store, client: Client) -> None:
        client.protocol.pause_writing()
        await client.send(post(b"again"), post(b"later"), post(b"never"))
        assert (store.direct, client.answers(), store.taken) == (0, [], [b"again"])
        assert client.transport.is_paused
        client.protocol.resume_writing()
        await turns()
        await turns()
        assert client.answers() == stored(b"again", b"later", b"never")

    told(story)


def test_a_server_that_stops_answers_first_and_closes() -> None:
    async def story(store: Store, client: Client) -> None:
        store.is_held = True
        await client.send(post(b"again"), post(b"never"))
        client.protocol.shutdown()
        assert not client.transport.is_closing()
        store.release()
        await turns()
        assert client.answers() == stored(b"again")
        assert b"\r\nconnection: close\r\n" in client.transport.written
        assert (client.transport.is_closing(), store.taken) == (True, [b"again"])

    told(story)


def ring(client: Client, *, after_s: float) -> None:
    """Let the timer of an idle connection ring as if so much time had passed since something happened."""
    client.protocol._active_at -= after_s
    assert client.protocol.timeout_keep_alive_task is not None
    client.protocol.timeout_keep_alive_task.cancel()
    client.protocol.timeout_keep_alive_handler()


def test_an_idle_connection_is_closed_in_time_and_not_before() -> None:
    async def story(store: Store, client: Client) -> None:
        ring(client, after_s=900)
        assert not client.transport.is_closing()
        ring(client, after_s=200)
        assert client.transport.is_closing()

    told(story, keep_alive_s=1_000)


@pytest.mark.parametrize("sent", [post(b"again"), post(b"again")[:-1], post(b"again")[:9]], ids=["all", "body", "head"])
def test_a_connection_that_waits_for_an_answer_or_for_its_rest_is_not_idle(sent: bytes) -> None:
    async def story(store: Store, client: Client) -> None:
        store.is_held = True
        await client.send(sent)
        ring(client, after_s=1000)
        assert not client.transport.is_closing()
        await client.send(post(b"again")[len(sent) :])
        store.release()
        await turns()
        assert client.answers() == stored(b"again")
        ring(client, after_s=76)
        assert client.transport.is_closing()

    told(story)


def test_a_head_that_does_not_end_is_refused_also_behind_a_direct_request() -> None:
    async def story(store: Store, client: Client) -> None:
        await client.send(post(b"again"), post(b"later")[:30])
        assert client.protocol._head_timer is not None
        client.protocol._head_late()
        assert [status for status, _ in client.answers()] == [202, 408]

    told(story)


def test_empty_lines_between_known_heads_do_not_add_up() -> None:
    async def story(store: Store, client: Client) -> None:
        for _ in range(17_000):
            client.protocol.data_received(b"\r\n")
            client.protocol.data_received(post(b"again"))
            await turns(2)
        assert not client.transport.is_closing()

    told(story)


def remembered(known: KnownHeads, head: bytes, body: bytes = b"12345") -> bool:
    return known.find(head + b"\r\n\r\n" + body) is not None


def serve(body: bytes, connection: object) -> bool:
    return True


def test_heads_are_bounded_in_number_and_size_and_the_oldest_gives_way() -> None:
    known = KnownHeads()
    for number in range(1025):
        known.remember(b"H%d\r\n\r\n12345" % number, 5, serve)
    assert [remembered(known, b"H%d" % number) for number in (0, 1, 1024)] == [False, True, True]
    known.remember(b"H1\r\n\r\n12345", 5, serve)
    assert remembered(known, b"H2"), "a head that is there takes no other's place"
    for size in (2048, 2049):
        known.remember(b"x" * size + b"\r\n\r\n12345", 5, serve)
        assert remembered(known, b"x" * size) == (size == 2048)


@pytest.mark.parametrize("piece", [b"H\r\n\r\n1234", b"H\r\n\r\n123456", b"H\r\n12345", b"", b"\r\n\r\n12345"])
def test_what_is_not_one_request_is_neither_remembered_nor_found(piece: bytes) -> None:
    known = KnownHeads()
    known.remember(piece, 5, serve)
    assert known.find(piece) is None
    known.remember(b"H\r\n\r\n12345", 5, serve)
    assert known.find(piece) is None

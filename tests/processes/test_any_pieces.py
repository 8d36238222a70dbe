"""Any bytes in any pieces: a server that knows heads answers and stores what one does that knows none."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.processes.fake_connection import Client, Store, forget_heads, post, turns

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
MESSAGES = st.sampled_from(
    [
        post(b"again"),
        post(b"bad-1"),
        post(b"longer body"),
        post(post(b"inner")),
        post(b"again", b"Upgrade: other", b"Connection: upgrade"),
        post(b"again", b"Connection: close"),
        post(b"a", version=b"1.0"),
        GET,
        b"\r\n",
        b"\r\n\r\n",
        b"POST /jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nagain\r\n0\r\n\r\n",
        post(b"again")[:-2],
        b"nonsense\r\n\r\n",
    ]
)


async def answers_to(pieces: list[bytes], *, knows: bool) -> tuple[list[tuple[int, bytes]], list[bytes], bool]:
    forget_heads()
    store = Store()
    if knows:
        await Client(store).send(post(b"first"), post(b"other body."))
        store.taken.clear()
    client = Client(store)
    for piece in pieces:
        if not knows:
            forget_heads()
        await client.send(piece)
    await turns(40)
    found = client.answers(), store.taken, client.transport.is_closing()
    client.leave()
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(MESSAGES, max_size=6), st.data())
def test_any_bytes_in_any_pieces_get_the_answers_that_they_got_before(
    messages: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(messages)
    edges = [len(b"".join(messages[:count])) for count in range(len(messages) + 1)]
    cut = st.one_of(st.sampled_from(edges), st.integers(0, len(stream)))
    cuts = sorted({0, len(stream), *data.draw(st.lists(cut, max_size=8))})
    pieces = [stream[first:end] for first, end in pairwise(cuts)]
    try:
        plain = asyncio.run(answers_to(pieces, knows=False))
        assert asyncio.run(answers_to(pieces, knows=True)) == plain
    finally:
        forget_heads()

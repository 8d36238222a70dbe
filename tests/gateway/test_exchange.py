"""Bodies that come slowly, in pieces or not at all, and answers in one piece or two."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jobs.gateway import exchange
from jobs.gateway.exchange import ClientGone, Exchange, Refused

Message = dict[str, Any]


class Connection:
    """Says what a client sends, and keeps what it is sent."""

    def __init__(self, *pieces: bytes, stays: bool = True, declares_more: bool = False) -> None:
        self.sent: list[Message] = []
        self._pieces = list(pieces)
        self._stays = stays
        self._declares_more = declares_more
        self.read = 0

    async def receive(self) -> Message:
        if not self._pieces:
            if self._stays:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}
        piece = self._pieces.pop(0)
        self.read += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(self._pieces) or self._declares_more}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def exchange(self, extensions: dict[str, Any] | None = None, **headers: str) -> Exchange:
        named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        scope = {"method": "POST", "path": "/jobs", "client": ("127.0.0.1", 1), "extensions": extensions or {}}
        return Exchange(scope, named, "", self.receive, self.send)


def test_a_body_in_pieces_is_read_whole() -> None:
    async def story() -> None:
        assert await Connection(b"ab", b"", b"cd").exchange().body(4) == b"abcd"
        assert await Connection(b"").exchange().body(4) == b""

    asyncio.run(story())


@pytest.mark.parametrize("pieces", [(b"abcde",), (b"ab", b"cde"), (b"ab", b"cd", b"e", b"f" * 1000)])
def test_a_body_beyond_its_limit_is_refused_before_the_rest_is_read(pieces: tuple[bytes, ...]) -> None:
    async def story() -> None:
        connection = Connection(*pieces)
        with pytest.raises(Refused) as refused:
            await connection.exchange().body(4)
        assert refused.value.document.status == 413
        assert connection.read <= 5

    asyncio.run(story())


def test_a_body_that_does_not_come_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(exchange, "BODY_TIMEOUT_S", 0.05)
        with pytest.raises(Refused) as refused:
            await Connection(b"ab", declares_more=True).exchange().body(4)
        assert (refused.value.document.status, refused.value.document.retryable) == (408, True)

    asyncio.run(story())


def test_a_client_that_leaves_in_the_middle_is_not_answered() -> None:
    async def story() -> None:
        with pytest.raises(ClientGone):
            await Connection(b"ab", stays=False, declares_more=True).exchange().body(4)

    asyncio.run(story())


def test_a_refusal_reads_a_little_more_and_then_closes() -> None:
    async def story() -> None:
        short = Connection(b"x" * 1000, b"y" * 1000)
        whole = short.exchange()
        await whole.refuse(exchange.problem(401, "unauthenticated", "No."))
        assert short.read == 2000
        assert (b"connection", b"close") not in short.sent[0]["headers"]
        endless = Connection(*[b"x" * 65_536] * 40)
        unread = endless.exchange()
        await unread.refuse(exchange.problem(401, "unauthenticated", "No."))
        assert 1024 * 1024 <= endless.read <= 1024 * 1024 + 65_536
        assert (b"connection", b"close") in endless.sent[0]["headers"]

    asyncio.run(story())


class Whole:
    """The extension of our own server."""

    def __init__(self, body: bytes | None, *, takes_answers: bool) -> None:
        self.loop = asyncio.get_running_loop()
        self.answers: list[tuple[int, bytes, bytes]] = []
        self._body = body
        self._takes_answers = takes_answers

    def body(self) -> bytes | None:
        return self._body

    def answer(self, status: int, head: bytes, body: bytes) -> bool:
        if self._takes_answers:
            self.answers.append((status, head, body))
        return self._takes_answers


def test_a_server_that_offers_it_gets_the_answer_in_one_piece() -> None:
    async def story() -> None:
        connection, whole = Connection(), Whole(b"body", takes_answers=True)
        asked = connection.exchange({exchange.WHOLE: whole}, x_request_id="mine")
        assert await asked.body(10) == b"body"
        await asked.answer(202, b"{}", (b"location", b"/jobs/1"))
        ((status, head, body),) = whole.answers
        assert (status, body, connection.sent) == (202, b"{}", [])
        lines = head.decode().split("\r\n")
        assert lines[-1] == ""
        assert {"content-type: application/json", "content-length: 2", "x-request-id: mine", "location: /jobs/1"} <= {
            *lines
        }
        # The same headers as in messages.
        plain = Connection(b"body")
        other = plain.exchange(x_request_id="mine")
        await other.body(10)
        await other.answer(202, b"{}", (b"location", b"/jobs/1"))
        assert {f"{name.decode()}: {value.decode()}" for name, value in plain.sent[0]["headers"]} == {*lines[:-1]}

    asyncio.run(story())


def test_a_congested_server_gets_the_usual_messages() -> None:
    async def story() -> None:
        connection = Connection(b"body")
        asked = connection.exchange({exchange.WHOLE: Whole(None, takes_answers=False)})
        assert await asked.body(10) == b"body"
        await asked.refuse(exchange.problem(422, "invalid", "No."))
        assert [message["type"] for message in connection.sent] == ["http.response.start", "http.response.body"]
        assert json.loads(connection.sent[1]["body"])["request_id"] == asked.request_id

    asyncio.run(story())

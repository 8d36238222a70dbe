"""The body limit, through the ASGI interface that a server speaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from ironforge_site.body_limit import MEBIBYTE, BodyLimit

CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client saw, and how much of its body was taken."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    taken_bytes: int

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["code"])


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the length of the body, once it was read whole; as Django does it."""
    length = 0
    while True:
        message = await receive()
        length += len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


async def ask(
    chunks: AsyncIterator[bytes],
    *,
    path: str = "/jobs",
    headers: Mapping[str, str] | None = None,
    guard: Callable[[Any], BodyLimit] = BodyLimit,
) -> Answer:
    taken = 0
    sent: list[Mapping[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        nonlocal taken
        chunk = await anext(chunks, None)
        taken += len(chunk or b"")
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    encoded = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "POST", "path": path, "headers": encoded}
    await guard(echo)(scope, receive, send)
    start, *bodies = sent
    answered = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], answered, b"".join(body["body"] for body in bodies), taken)


async def zeros(length: int) -> AsyncIterator[bytes]:
    """Send a body of a length in chunks."""
    while length > 0:
        yield b"0" * min(CHUNK, length)
        length -= CHUNK


def test_a_body_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert asyncio.run(ask(zeros(MEBIBYTE))).body == str(MEBIBYTE).encode()
    assert asyncio.run(ask(zeros(MEBIBYTE + 1))).status == 413


@pytest.mark.parametrize("path", ["/jobs/bulk", "/api/v1/jobs/bulk"])
def test_a_bulk_body_may_be_sixteen_times_as_large(path: str) -> None:
    assert asyncio.run(ask(zeros(16 * MEBIBYTE), path=path)).status == 200
    assert asyncio.run(ask(zeros(16 * MEBIBYTE + 1), path=path)).status == 413


@pytest.mark.parametrize("declared", [None, str(100 * MEBIBYTE), "7", "-5", "lots", "9" * 400])
def test_a_flood_is_cut_off_whatever_length_was_declared(declared: str | None) -> None:
    headers = {} if declared is None else {"Content-Length": declared}
    answer = asyncio.run(ask(zeros(100 * MEBIBYTE), headers=headers))
    assert (answer.status, answer.code) == (413, "too_large")
    assert answer.taken_bytes <= 2 * MEBIBYTE + 2 * CHUNK
    assert answer.headers["connection"] == "close"


def test_a_body_that_drips_is_refused_in_time() -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b"0"
            await asyncio.sleep(0.01)

    answer = asyncio.run(ask(drip(), guard=lambda application: BodyLimit(application, body_timeout_s=0.2)))
    assert (answer.status, answer.code) == (408, "body_timeout")


def test_an_answer_may_take_longer_than_the_body() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        gone = asyncio.ensure_future(receive())
        await asyncio.sleep(0.1)
        assert not gone.done(), "waiting for a disconnect has no limit"
        gone.cancel()
        await echo(scope, body, send)

    async def body() -> Mapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def run() -> None:
        never = asyncio.Event()
        first = True

        async def receive() -> Mapping[str, Any]:
            nonlocal first
            if not first:
                await never.wait()
            first = False
            return await body()

        async def send(_: Mapping[str, Any]) -> None:
            return None

        scope = {"type": "http", "method": "GET", "path": "/jobs", "headers": []}
        await BodyLimit(slow, body_timeout_s=0.02)(scope, receive, send)

    asyncio.run(run())


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "GZIP", "identity, gzip"])
def test_a_compressed_body_is_refused_and_never_inflated(encoding: str) -> None:
    answer = asyncio.run(ask(zeros(10), headers={"Content-Encoding": encoding}))
    assert (answer.status, answer.code) == (415, "unsupported_encoding")


def test_a_refusal_is_a_whole_problem_document_with_the_headers_of_every_answer() -> None:
    headers = {"Content-Length": str(MEBIBYTE * 2), "X-Request-ID": "mine-1"}
    answer = asyncio.run(ask(zeros(MEBIBYTE * 2), headers=headers))
    document = json.loads(answer.body)
    assert set(document) == {"type", "title", "status", "code", "detail", "errors", "request_id", "retryable"}
    assert (document["status"], document["request_id"], document["retryable"]) == (413, "mine-1", False)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["content-length"] == str(len(answer.body))

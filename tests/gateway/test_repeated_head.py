"""Which heads may come again, and what serves them: every outcome is told once, and nothing is begun in part."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from pytest_django import Settings

from jobs.backends.base import Submitted
from jobs.domain.status import Status
from jobs.gateway import repeated_head
from jobs.gateway.repeated_head import RepeatedHead, is_repeatable
from jobs.services.answers import SubmitCode

PLAIN = {b"host": b"localhost", b"content-type": b"application/json", b"content-length": b"12"}
JOB = b'{"kind":"k"}'


class Connection:
    """Keeps its answers."""

    client: tuple[str, int] | None = ("127.0.0.1", 5)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.answers: list[tuple[int, bytes, bytes]] = []

    def answer(self, status: int, head: bytes, body: bytes) -> None:
        self.answers.append((status, head, body))


class Jobs:
    """Keeps what was begun."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.begun: list[Any] = []

    def begin_one(self, actor: object, job: object, tell: Any) -> None:
        self.begun.append(tell)


@pytest.fixture
def place(settings: Settings) -> tuple[Jobs, Connection, RepeatedHead]:
    settings.IRONFORGE_OPEN = True
    loop = cast("asyncio.AbstractEventLoop", object())
    jobs = Jobs(loop)
    return jobs, Connection(loop), RepeatedHead(PLAIN, "", cast("Any", jobs))


Place = tuple[Jobs, Connection, RepeatedHead]


@pytest.mark.parametrize(
    "name",
    ["idempotency-key", "x-request-id", "traceparent", "cookie", "x-forwarded-for", "expect", "transfer-encoding"],
)
def test_a_head_that_differs_each_time_or_means_more_is_not_remembered(name: str) -> None:
    assert is_repeatable({**PLAIN, b"authorization": b"Bearer x", b"user-agent": b"wrk"})
    assert not is_repeatable({**PLAIN, name.encode(): b"x"})


def test_a_head_without_a_length_is_not_remembered() -> None:
    assert not is_repeatable({name: value for name, value in PLAIN.items() if name != b"content-length"})


def test_a_job_that_was_stored_before_is_answered_as_such(place: Place) -> None:
    jobs, connection, serve = place
    assert serve(JOB, connection)
    jobs.begun[0](Submitted(SubmitCode.REPLAYED, "id-1", Status.QUEUED, 0))
    [(status, head, _)] = connection.answers
    assert (status, b"idempotent-replayed: true\r\n" in head) == (200, True)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"[" * 100_000, b'{"kind":"k","x":1}'])
def test_what_is_no_job_is_left_to_the_usual_way(place: Place, body: bytes) -> None:
    jobs, connection, serve = place
    assert not serve(body, connection)
    assert (jobs.begun, connection.answers) == ([], [])


def test_a_mistake_of_ours_before_the_job_waits_is_left_to_the_usual_way(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, connection, serve = place
    monkeypatch.setattr(repeated_head, "read_spec", lambda *_, **__: 1 / 0)
    assert not serve(JOB, connection)
    assert (jobs.begun, connection.answers) == ([], [])


def test_a_connection_of_another_loop_is_left_to_the_usual_way(place: Place) -> None:
    jobs, connection, serve = place
    connection.loop = cast("asyncio.AbstractEventLoop", object())
    assert not serve(JOB, connection)
    assert jobs.begun == []

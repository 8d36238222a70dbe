"""What is sent again after trouble, and what never is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise

import pytest

from ironforge_client import (
    Client,
    ConnectionFailed,
    Invalid,
    IronForgeError,
    NotFound,
    Unavailable,
    UnreadableAnswer,
    WaitTimeout,
)
from ironforge_client.conformance.gate import Gate, Weather
from ironforge_client.exchange import Retrying
from tests.client.conftest import Blocking
from tests.waiting import until

pytestmark = pytest.mark.journey


def test_a_lost_answer_makes_no_second_job(gated: Client, gate: Gate, queue: str) -> None:
    gate.lose_answer(lambda passage: passage.path == "/jobs")
    made = gated.submit("demo.echo", queue=queue, delay=3600)
    assert made.is_replayed
    assert [passage.status for passage in gate.passages] == [202, 200]
    assert [job.id for job in gated.list(queue=queue)] == [made.id]


@contextmanager
def better_after(gate: Gate, bad: Weather, refusals: int) -> Iterator[None]:
    """Let the weather be bad until so many requests met it."""
    gate.turn(bad)

    def clear_up() -> None:
        until(lambda: gate.refused >= refusals)
        gate.turn(Weather.FINE)

    thread = threading.Thread(target=clear_up)
    thread.start()
    yield
    thread.join()


def test_a_server_that_is_away_for_a_moment_is_asked_again(gated: Client, gate: Gate, queue: str) -> None:
    began = time.monotonic()
    with better_after(gate, Weather.UNAVAILABLE, refusals=1):
        made = gated.submit("demo.echo", queue=queue, delay=3600)
    assert not made.is_replayed
    assert time.monotonic() - began >= 1.0  # Retry-After
    assert [passage.status for passage in gate.passages] == [202]


def test_a_wait_outlives_an_outage(gated: Client, gate: Gate) -> None:
    made = gated.submit("demo.echo", 1)
    with better_after(gate, Weather.UNAVAILABLE, refusals=1):
        assert gated.wait(made.id, timeout_s=20).is_completed


@pytest.mark.parametrize("make", [Client, Blocking])
def test_a_wait_in_an_outage_ends_in_time(make: type[Client], gate: Gate, queue: str) -> None:
    """And not when the client would give up by itself, which is long after."""
    client = make(gate.url, timeout_s=600.0, retries=10_000)
    made = client.submit("demo.echo", queue=queue, delay=3600)
    gate.turn(Weather.CUT)
    began = time.monotonic()
    with pytest.raises(WaitTimeout) as late:
        client.wait(made.id, timeout_s=1)
    assert late.value.job is None
    assert time.monotonic() - began < 60
    client.end() if isinstance(client, Blocking) else client.close()


def test_a_cancel_whose_answer_was_lost_is_not_sent_again(gated: Client, gate: Gate, queue: str) -> None:
    made = gated.submit("demo.echo", queue=queue, delay=3600)
    gate.lose_answer(lambda passage: passage.path.endswith("/cancel"))
    with pytest.raises(ConnectionFailed) as failed:
        gated.cancel(made.id)
    assert failed.value.is_sent
    assert len([passage for passage in gate.passages if passage.path.endswith("/cancel")]) == 1
    assert gated.get(made.id).status == "cancelled"


def test_a_refusal_is_not_sent_again(gated: Client, gate: Gate) -> None:
    with pytest.raises(Invalid):
        gated.submit("demo.echo", max_retries=-1)
    with pytest.raises(NotFound):
        gated.get("01890000-0000-7000-8000-000000000000")
    assert len(gate.passages) == 2


def told_within(url: str, timeout_s: float) -> IronForgeError:
    """Return what a submission is told that is refused again and again."""
    with Client(url, timeout_s=timeout_s, retries=1_000) as client, pytest.raises(IronForgeError) as refused:
        client.submit("demo.echo")
    return refused.value


def test_an_outage_is_told_in_time(gate: Gate, unheard_port: int) -> None:
    gate.turn(Weather.UNAVAILABLE)
    told: list[IronForgeError] = []
    # Where this machine stands still for all of that time, not even the refusal comes.
    until(lambda: told.append(told_within(gate.url, 1.5)) or not isinstance(told[-1], ConnectionFailed))
    refused = told[-1]
    assert isinstance(refused, Unavailable)
    assert refused.is_retryable
    assert refused.retry_after_s == 1.0
    with Client(f"http://127.0.0.1:{unheard_port}", timeout_s=2, retries=2) as client:
        with pytest.raises(ConnectionFailed) as failed:
            client.cancel("01890000-0000-7000-8000-000000000000")
        assert not failed.value.is_sent


def test_pauses_grow_up_to_their_limit_and_keep_to_retry_after() -> None:
    retrying = Retrying()
    reaches = [max(retrying.pause_s(retry, None) for _ in range(500)) for retry in range(9)]
    assert all(shorter < longer * 1.05 for shorter, longer in pairwise(reaches))
    assert reaches[0] <= 0.1
    assert 4.5 < reaches[-1] <= 5.0
    assert all(7.0 <= retrying.pause_s(retry, 7.0) <= 12.0 for retry in range(2000))


class _Stranger(BaseHTTPRequestHandler):
    """Something that is no IronForge: a page, or a way to elsewhere."""

    keys: list[str | None]

    def do_GET(self) -> None:
        self.keys.append(self.headers.get("Authorization"))
        is_away = self.path.startswith("/base/jobs/away")
        self.send_response(302 if is_away else 200)
        if is_away:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_an_answer_of_something_else_is_named_and_no_redirect_gets_the_key() -> None:
    class Stranger(_Stranger):
        keys: list[str | None] = []

    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with Client(f"http://127.0.0.1:{server.server_port}/base/", "ifk_secret") as client:
            with pytest.raises(UnreadableAnswer, match="hello"):
                client.get("here")
            with pytest.raises(UnreadableAnswer, match="302"):
                client.get("away")
            assert "ifk_secret" not in repr(vars(client))
        server.shutdown()
    assert Stranger.keys == ["Bearer ifk_secret"] * 2


@pytest.mark.parametrize("wrong", ["", "localhost:3000", "ftp://localhost", "http://", "http://a?b=c"])
def test_an_address_must_be_one(wrong: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Client(wrong)


def test_the_environment_names_the_server(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("IRONFORGE_URL", url)
    with Client.from_environment() as client:
        assert client.queues() is not None

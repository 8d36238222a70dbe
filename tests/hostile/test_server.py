"""A real server and bytes that are cut, late, endless or lie about themselves: it answers, and does not grow."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.api.wire import LONGEST_S, Wire, head
from tests.hostile.site_table import API, CONSOLE, Body, Row, address
from tests.hostile.test_bodies import LIMITS
from tests.journeys.installation import installation

pytestmark = pytest.mark.journey

MEBIBYTE = 1024 * 1024
# What a server may grow by under any of these, allocator included; each attack sends many times as much.
MOST_GROWTH_MIB = 64
READING = [row for row in (*API, *CONSOLE) if row.body is not Body.NONE]
each_reader = pytest.mark.parametrize("row", READING, ids=str)
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """Run store and server, without a worker; in the end it must not have grown, nor said that anything failed."""
    with installation(tmp_path_factory.mktemp("hostile") / "data", "--no-worker") as running:
        made = Wire(running)
        for _ in range(3):
            assert made.ask("POST", "/jobs", {"kind": "k"}).status == 202
        before = resident_mib(made)
        yield made
        assert resident_mib(made) - before < MOST_GROWTH_MIB
        failed = [entry for entry in running.log.everything() if entry.get("event") == "http.failed"]
        assert failed == []


def resident_mib(wire: Wire) -> int:
    """Return how much memory the server holds."""
    status = Path(f"/proc/{wire.installation.pid_of('server')}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) // 1024


def limit_of(row: Row) -> int:
    return LIMITS.get(row.body, MEBIBYTE)


def is_refusal(row: Row, status: int, received: bytes) -> bool:
    """Tell whether it is a problem document, or a page of the console."""
    return 400 <= status < 500 and (row.is_page or b"application/problem+json" in received)


@each_reader
def test_a_body_that_declares_too_much_is_refused_before_it_comes(wire: Wire, row: Row) -> None:
    status, received = wire.send(head(row.method, address(row), JSON, f"Content-Length: {10**12}"), b" " * MEBIBYTE)
    assert status == 413
    assert b'"too_large"' in received


@each_reader
def test_a_body_in_chunks_is_counted(wire: Wire, row: Row) -> None:
    chunk = b"100000\r\n" + b" " * MEBIBYTE + b"\r\n"
    pieces = [chunk] * (limit_of(row) // MEBIBYTE + 2)
    status, received = wire.send(head(row.method, address(row), JSON, CHUNKED), *pieces, b"0\r\n\r\n")
    assert (status, b'"too_large"' in received) == (413, True)


@each_reader
@pytest.mark.parametrize("pieces", [[b"5\r\n{"], [b"zz\r\n"], [b"-1\r\n"], [b"1\r\n{}\r\n"], [b"f" * 20 + b"\r\n"]])
def test_a_chunk_that_is_cut_or_none_does_nothing(wire: Wire, row: Row, pieces: list[bytes]) -> None:
    """What is cut waits for more until its client goes."""
    with socket.create_connection(("127.0.0.1", wire.port), timeout=LONGEST_S) as client:
        client.sendall(head(row.method, address(row), JSON, CHUNKED) + b"".join(pieces))
        client.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := client.recv(65_536):
            received += chunk
    assert received == b"" or received.split(b" ", 2)[1] in (b"400", b"403", b"404"), received


@each_reader
def test_what_stands_behind_a_body_is_no_header(wire: Wire, row: Row) -> None:
    sent = head(row.method, address(row), JSON, CHUNKED) + b"0\r\n%b\r\n\r\n"
    plain, _ = wire.send(sent % b"X-A: b")
    for trailer in (b"Authorization: Bearer ifk_wrong", b"Host: evil.example", b"X-Forwarded-For: 192.0.2.1"):
        assert wire.send(sent % trailer)[0] == plain, trailer
    assert plain not in (0, 401, 500)


@pytest.mark.parametrize(
    "rest", [b"1\r\n{\r\n0\r\nX-Endless: ", b"1;endless=", b"1\r\n{\r\n0\r\n"], ids=["trailer", "extension", "trailers"]
)
@pytest.mark.parametrize("target", ["/jobs", "/bulk-operations", "/console/login"])
def test_nothing_around_a_body_is_endless(wire: Wire, target: str, rest: bytes) -> None:
    endless = b"X-Many: 1\r\n" * 6_000 if rest.endswith(b"0\r\n") else b"a" * 65_536
    status, received = wire.send(head("POST", target, JSON, CHUNKED) + rest, *[endless] * 400)
    # A server that has closed may take its answer with it.
    assert status in (0, 431), received
    assert wire.ask("GET", "/health/live").status == 200


@each_reader
def test_a_cut_body_stores_nothing_and_is_forgotten(wire: Wire, row: Row) -> None:
    before = wire.ask("GET", "/queues/stats").body["submitted_total"]
    body = b'{"kind":"k"}'
    for sent in (0, 1, len(body) - 1):
        with socket.create_connection(("127.0.0.1", wire.port), timeout=LONGEST_S) as client:
            client.sendall(head(row.method, address(row), JSON, f"Content-Length: {len(body)}") + body[:sent])
    assert wire.ask("GET", "/queues/stats").body["submitted_total"] == before


def test_many_who_never_finish_hold_up_nobody(wire: Wire) -> None:
    started = [
        head("POST", "/jobs", JSON, "Content-Length: 1000000") + b"{" * 900_000,
        head("POST", "/bulk-operations", JSON, "Content-Length: 900000") + b"[" * 800_000,
        b"GET /jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    ]
    clients = []
    try:
        for number in range(60):
            clients.append(socket.create_connection(("127.0.0.1", wire.port), timeout=LONGEST_S))
            clients[-1].sendall(started[number % 3])
        answers = [wire.ask("POST", "/jobs", {"kind": "k"}) for _ in range(5)]
        assert [answer.status for answer in answers] == [202] * 5
        assert min(answer.took_s for answer in answers) < 2.0
    finally:
        for client in clients:
            client.close()


def test_many_wrong_keys_at_once_hold_up_no_right_one(wire: Wire) -> None:
    key = wire.mint("guessed")
    right = {"Authorization": f"Bearer {key}"}
    assert wire.ask("GET", "/queues", **right).status == 200

    def guess(number: int) -> int:
        wrong = f"Bearer ifk_{number:012x}_{'x' * 32}"
        return wire.ask_once("POST", "/jobs", {"kind": "k"}, Authorization=wrong).status

    with ThreadPoolExecutor(16) as pool:
        guesses = pool.map(guess, range(400))
        answers = [wire.ask("POST", "/jobs", {"kind": "k"}, **right) for _ in range(10)]
        assert set(guesses) <= {401, 503}
    assert [answer.status for answer in answers] == [202] * 10


@pytest.mark.long
@pytest.mark.parametrize("row", [API[0], API[2], API[13], CONSOLE[2]], ids=str)
def test_a_body_that_drips_is_refused_after_half_a_minute(wire: Wire, row: Row) -> None:
    sent = head(row.method, address(row), JSON, "Content-Length: 1000") + b"{"
    status, received = wire.send(sent)
    assert (status, b'"body_timeout"' in received) == (408, True)
    assert is_refusal(row, status, received)


@pytest.mark.long
def test_a_head_that_does_not_end_is_refused_after_half_a_minute(wire: Wire) -> None:
    status, received = wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    assert (status, b'"head_timeout"' in received) == (408, True)

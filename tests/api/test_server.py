"""A real server process: bytes that no client library would send, keys in no log, and a store that hangs."""

from __future__ import annotations

import os
import secrets
import signal
import socket
from collections.abc import Iterator

import pytest

from tests.api.wire import AWAY, LONGEST_S, Wire, head
from tests.journeys.installation import installation
from tests.waiting import until

pytestmark = pytest.mark.journey

JSON = "Content-Type: application/json"
MEBIBYTE = 1024 * 1024
JOB = b'{"kind":"email.send"}'


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """Run store and server, without a worker."""
    with installation(tmp_path_factory.mktemp("server") / "data", "--no-worker") as running:
        yield Wire(running)


def is_served(wire: Wire) -> bool:
    """Tell whether the server still takes jobs."""
    return wire.ask("POST", "/jobs", {"kind": "email.send"}).status == 202


def chunks(*pieces: bytes) -> list[bytes]:
    """Return a body as it travels in chunks."""
    return [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]


def test_the_curl_of_the_outline_works_on_a_fresh_machine(wire: Wire) -> None:
    body = {"kind": "email.send", "payload": {"to": "user@example.com"}, "priority": "high", "max_retries": 3}
    answer = wire.ask("POST", "/jobs", body)
    assert (answer.status, set(answer.body)) == (202, {"id", "status", "created_at"})
    assert wire.ask("GET", answer.headers["location"]).body["kind"] == "email.send"


@pytest.mark.parametrize("target", ["/jobs", "/bulk-operations"])
def test_a_body_in_chunks_is_read_and_counted(wire: Wire, target: str) -> None:
    sent = head("POST", target, JSON, "Transfer-Encoding: chunked")
    status, _ = wire.send(sent, *chunks(JOB[:5], JOB[5:]))
    assert status == (202 if target == "/jobs" else 422)
    large = [b"x" * 65_536] * 17
    status, received = wire.send(sent, *chunks(*large))
    assert (status, b'"too_large"' in received) == (413, True)
    assert is_served(wire)


@pytest.mark.parametrize("target", ["/jobs", "/bulk-operations", "/jobs/bulk"])
def test_a_large_body_is_refused_while_it_is_sent(wire: Wire, target: str) -> None:
    sent = head("POST", target, JSON, f"Content-Length: {1_000 * MEBIBYTE}")
    status, received = wire.send(sent, *[b"x" * MEBIBYTE] * 4)
    assert (status, b'"too_large"' in received) == (413, True)
    assert is_served(wire)


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Content-Length: 21"),
        ("Content-Length: -1",),
        ("Content-Length: 0x15",),
        ("Content-Length: 21", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, gzip",),
        ("Transfer-Encoding: xchunked",),
        ("Content-Length : 21",),
    ],
)
def test_a_length_that_lies_smuggles_no_second_request(wire: Wire, lines: tuple[str, ...]) -> None:
    queue = f"smuggled-{secrets.token_hex(4)}"
    inner = b'{"kind":"k","queue":"%s"}' % queue.encode()
    hidden = head("POST", "/jobs", JSON, f"Content-Length: {len(inner)}") + inner
    status, received = wire.send(head("POST", "/jobs", JSON, *lines) + JOB + hidden)
    assert status in (0, 202, 400, 411, 501), received
    assert b" 500 " not in received
    assert wire.ask("GET", f"/jobs?queue={queue}").body["data"] == []
    assert is_served(wire)


@pytest.mark.parametrize(
    "request_line",
    [
        b"get /jobs HTTP/1.1",
        b"GET /jobs HTTP/9.9",
        b"GET /jo\x00bs HTTP/1.1",
        b"GARBAGE",
        b"\xff",
    ],
)
def test_what_is_no_http_is_refused(wire: Wire, request_line: bytes) -> None:
    status, received = wire.send(request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status in (0, 400, 404, 405, 505), received
    assert is_served(wire)


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_a_client_that_leaves_in_the_middle_of_its_body_stores_nothing(wire: Wire, cut: float) -> None:
    queue = f"cut-{secrets.token_hex(4)}"
    body = b'{"kind":"k","queue":"%s"}' % queue.encode()
    whole = head("POST", "/jobs", JSON, f"Content-Length: {len(body)}") + body
    with socket.create_connection(("127.0.0.1", wire.port), timeout=LONGEST_S) as client:
        client.sendall(whole[: len(whole) - len(body) + int(len(body) * cut)])
    assert is_served(wire)
    assert wire.ask("GET", f"/jobs?queue={queue}").body["data"] == []


def test_head_has_no_body(wire: Wire) -> None:
    for target in ("/jobs", "/health", "/nothing", "/openapi.json"):
        _, received = wire.send(head("HEAD", target))
        assert received.endswith(b"\r\n\r\n"), target


def test_another_host_is_refused_over_the_wire(wire: Wire) -> None:
    for target in ("/jobs", "/health", "/console/"):
        assert wire.ask("GET", target, Host="evil.example").status == 400
    assert wire.ask("POST", "/jobs", {"kind": "k"}, X_Forwarded_For="127.0.0.1").status == 401


def test_a_key_stands_in_no_log_and_its_revocation_counts_in_seconds(wire: Wire) -> None:
    namespace = f"t{secrets.token_hex(4)}"
    key = wire.mint(namespace)
    bearer = {"Authorization": f"Bearer {key}"}
    job_id = wire.ask("POST", "/jobs", {"kind": "k"}, **bearer).body["id"]
    assert wire.ask("GET", f"/jobs/{job_id}", **bearer).status == 200
    assert wire.ask("GET", f"/jobs/{job_id}").status == 404, "of another namespace"
    for target in (f"/jobs?key={key}", f"/queues?token={key}", f"/{key}", f"/jobs/{key}"):
        wire.ask("GET", target, **bearer)
        wire.ask("GET", target, Authorization=f"Basic {key}")
    wire.ask("POST", "/jobs", key.encode(), **bearer)
    wire.manage("ironforge_key", "revoke", key.split("_")[1], "--namespace", namespace)
    until(lambda: wire.ask("GET", "/queues", **bearer).status == 401)
    assert wire.ask("GET", "/queues", **bearer).code == "unauthenticated"
    told = "\n".join(wire.installation.log.lines)
    assert key.rpartition("_")[2] not in told


def test_health_is_red_while_the_store_hangs_and_recovers_by_itself(wire: Wire) -> None:
    store = wire.installation.pid_of("store")
    until(lambda: wire.ask("GET", "/health").body["status"] == "ok")
    os.kill(store, signal.SIGSTOP)
    try:
        for method, target in (("GET", "/health"), ("GET", "/health/ready"), ("POST", "/jobs"), ("GET", "/queues")):
            answer = wire.ask_once(method, target, {"kind": "k"} if method == "POST" else b"")
            assert (answer.status, answer.code) == AWAY, target
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.took_s < 2.0 or is_in_time(wire, method, target)
        assert wire.ask_once("GET", "/health").body["health"]["status"] == "unavailable"
        assert wire.ask("GET", "/health/live").status == 200
    finally:
        os.kill(store, signal.SIGCONT)
    until(lambda: wire.ask("GET", "/health").status == 200)
    assert is_served(wire)


def is_in_time(wire: Wire, method: str, target: str) -> bool:
    """Tell whether one of some tries is answered within the promised 2 s: the bound is one of design, not of load."""
    body = {"kind": "k"} if method == "POST" else b""
    return any(wire.ask_once(method, target, body).took_s < 2.0 for _ in range(12))

"""The server process: bounds on what a client may send before the application sees it, and a clean end."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import sys
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from jobs.processes.bounded_http import HEAD_BYTES
from jobs.processes.listening import CannotListen, address_text, listening_socket
from tests.processes.running import Running, free_port
from tests.waiting import WAIT_S


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    number = free_port()
    with Running([sys.executable, "-m", "tests.processes.sample_server", str(number), "1"]) as running:
        running.wait_for("server.started")
        yield number


def answer_to(port: int, *pieces: bytes) -> bytes:
    """Send pieces as they are and return everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        for piece in pieces:
            try:
                client.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break
        received = b""
        try:
            while chunk := client.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass
        return received


def test_an_ordinary_request_and_one_with_a_large_body_pass(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    for body in (None, b"x" * 2_000_000, None, b"y" * HEAD_BYTES):
        connection.request("POST" if body else "GET", "/", body=body)
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"ok")
        assert response.getheader("server") is None
    connection.close()


def test_pipelined_requests_are_all_answered(port: int) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\nX-Fill: " + b"f" * 1000 + b"\r\n"
    received = answer_to(port, (request + b"\r\n") * 60 + request + b"Connection: close\r\n\r\n")
    assert received.count(b"200 OK") == 61


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX-Large: " + b"a" * (HEAD_BYTES + 1) + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 101 + b"\r\n",
        b"GET /?" + b"q" * HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["large", "many", "long address"],
)
def test_a_head_beyond_its_bound_is_refused_with_a_problem(port: int, head: bytes) -> None:
    status, _, body = answer_to(port, head).partition(b"\r\n\r\n")
    assert status.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["code"] == "head_too_large"


def test_a_header_without_end_is_refused_before_it_fills_the_memory(port: int) -> None:
    assert b" 431 " in answer_to(port, b"GET / HTTP/1.1\r\nX-Endless: ", *[b"a" * 4096] * 100)


@pytest.mark.parametrize(
    "start", [b"1\r\nx\r\n0\r\nX-Endless: ", b"1;endless=", b"0\r\n"], ids=["trailer", "extension", "many"]
)
def test_what_surrounds_a_body_in_chunks_has_the_bound_of_a_head(port: int, start: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    piece = b"X-Many: 1\r\n" * 400 if start == b"0\r\n" else b"a" * 4096
    assert b" 431 " in answer_to(port, head + start, *[piece] * 100)


def test_what_is_no_http_is_a_problem_document_with_the_headers_of_every_answer(port: int) -> None:
    head, _, body = answer_to(port, b"\x16\x03\x01\x00\xa5 hello\r\n\r\n").partition(b"\r\n\r\n")
    assert json.loads(body)["code"] == "malformed_request"
    for line in (b"default-src 'none'", b"cache-control: no-store", b"x-frame-options: DENY", b"resource-policy"):
        assert line in head


def test_a_large_websocket_message_closes_the_socket(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/", open_timeout=WAIT_S) as client:
        client.send("x" * 60_000)
        assert len(client.recv(WAIT_S)) == 60_000
        client.send("x" * 70_000)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(WAIT_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_zero_although_clients_hold_on(number: signal.Signals) -> None:
    port = free_port()
    with (
        Running([sys.executable, "-m", "tests.processes.sample_server", str(port), "1"]) as running,
        socket.create_connection(("127.0.0.1", running_port(running, port))) as slow,
        connect(f"ws://127.0.0.1:{port}/", open_timeout=WAIT_S) as client,
    ):
        slow.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        client.send("seen")
        assert client.recv(WAIT_S) == "seen"
        running.send(number)
        assert running.wait() == 0
        assert "server.stopped" in running.events()


def running_port(running: Running, port: int) -> int:
    """Return the port once the server listens on it."""
    running.wait_for("server.started")
    return port


def test_a_busy_port_is_refused_in_one_line_that_names_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = int(other.getsockname()[1])
        with pytest.raises(CannotListen, match=rf"^Port {port} is in use .* make run PORT={port + 100}$"):
            listening_socket("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CannotListen, match=r"^192\.0\.2\.1 is not an address of this machine"):
        listening_socket("192.0.2.1", free_port())


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("127.0.0.1", "localhost:3000"),
        ("0.0.0.0", "localhost:3000"),  # noqa: S104
        ("::", "localhost:3000"),
        ("192.0.2.1", "192.0.2.1:3000"),
        ("2001:db8::1", "[2001:db8::1]:3000"),
    ],
)
def test_an_address_is_written_as_people_type_it(host: str, text: str) -> None:
    assert address_text(host, 3000) == text

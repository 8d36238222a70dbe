"""HTTP as it goes over the wire: pipelines, kept connections, bodies that come late, clients that want to be asked."""

from __future__ import annotations

import json
import socket
from contextlib import suppress

import pytest

from tests.journeys.api import Api
from tests.waiting import WAIT_S

pytestmark = pytest.mark.journey

JOB = b'{"kind":"demo.echo","payload":1}'


def head(*lines: str, length: int = len(JOB)) -> bytes:
    fixed = ["POST /jobs HTTP/1.1", "Host: localhost", "Content-Type: application/json", f"Content-Length: {length}"]
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


class Wire:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        self._file = self.socket.makefile("rb")

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the next answer."""
        status = int(self._file.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self._file.readline().strip().decode():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return status, headers, self._file.read(int(headers.get("content-length", 0)))

    def is_closed(self) -> bool:
        return self._file.read(1) == b""

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@pytest.fixture
def wire(api: Api) -> Wire:
    return Wire(api.port)


def test_requests_in_a_pipeline_are_answered_in_order(wire: Wire, api: Api) -> None:
    names = [f"pipe-{number}" for number in range(20)]
    wire.socket.sendall(b"".join(head(f"X-Request-ID: {name}") + JOB for name in names))
    answers = [wire.answer() for _ in names]
    assert [(status, headers["x-request-id"]) for status, headers, _ in answers] == [(202, name) for name in names]
    for _, _, body in answers:
        assert api.completed(json.loads(body)["id"])["result"] == 1
    wire.close()


def test_a_connection_is_kept_and_closed_when_the_client_says_so(wire: Wire) -> None:
    for _ in range(3):
        wire.socket.sendall(head() + JOB)
        assert wire.answer()[0] == 202
    wire.socket.sendall(head("Connection: close") + JOB)
    status, headers, _ = wire.answer()
    assert (status, headers["connection"]) == (202, "close")
    assert wire.is_closed()
    wire.close()


def test_a_body_that_comes_byte_by_byte_is_read_to_its_end(wire: Wire) -> None:
    wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in head() + JOB:
        wire.socket.sendall(bytes([byte]))
    assert wire.answer()[0] == 202
    wire.socket.sendall(head("Expect: 100-continue"))
    assert wire.answer()[0] == 100
    wire.socket.sendall(JOB)
    assert wire.answer()[0] == 202
    wire.close()


def test_chunks_without_a_length_are_counted(wire: Wire) -> None:
    start = head().replace(b"Content-Length: %d" % len(JOB), b"Transfer-Encoding: chunked")
    wire.socket.sendall(start + b"%x\r\n%b\r\n0\r\n\r\n" % (len(JOB), JOB))
    assert wire.answer()[0] == 202
    wire.socket.sendall(start)
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with suppress(ConnectionError):  # the answer may have come before the end, and the connection with it to its own
        for _ in range(17):
            wire.socket.sendall(piece)
        wire.socket.sendall(b"0\r\n\r\n")
    status, _, body = wire.answer()
    assert (status, json.loads(body)["code"]) == (413, "too_large")
    wire.close()


def test_an_http_1_0_client_is_answered_and_let_go(wire: Wire) -> None:
    wire.socket.sendall(head().replace(b"HTTP/1.1", b"HTTP/1.0") + JOB)
    assert wire.answer()[0] == 202
    assert wire.is_closed()
    wire.close()


def test_whoever_leaves_before_the_answer_harms_nobody(api: Api) -> None:
    for _ in range(30):
        leaving = Wire(api.port)
        leaving.socket.sendall(head() + JOB)
        leaving.close()
        cut = Wire(api.port)
        cut.socket.sendall(head(length=1000) + JOB)
        cut.close()
    assert api.completed(api.submit("demo.echo", 2))["result"] == 2

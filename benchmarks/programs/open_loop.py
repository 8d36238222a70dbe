"""An open-loop client: requests leave at their time, whether or not earlier ones were answered.

Latency counts from the time a request was meant to leave, so a server that stalls is charged for all who wait: no
coordinated omission. One thread, raw sockets and select(), whose timeout is exact to microseconds where asyncio's is
not. `lag` tells how late the client itself was, and `client_cpu` how busy: both must be small, or the figures are
those of the client.

`python open_loop.py <port> <requests a second> <seconds>`, the body in BENCH_BODY (a file), prints one line of JSON.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import math
import os
import select
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

CONNECTIONS = 128
DRAIN_S = 10.0
_PR_SET_TIMERSLACK = 29
_CONTENT_LENGTH = b"content-length:"


class Flight:
    """One request on its way."""

    __slots__ = ("intended", "is_first", "received")

    def __init__(self, intended: float, *, is_first: bool) -> None:
        self.intended = intended
        self.is_first = is_first  # of its connection
        self.received = b""

    def is_complete(self) -> bool:
        """Tell whether head and body of the answer are there."""
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return False
        lowered = head.lower()
        at = lowered.find(_CONTENT_LENGTH)
        if at < 0:
            return body.endswith(b"0\r\n\r\n")  # chunked
        length = int(lowered[at + len(_CONTENT_LENGTH) :].split(b"\r\n", 1)[0])
        return len(body) >= length


class Client:
    """Keeps the clock, the connections and the counts. A connection is made when no other is free."""

    def __init__(self, port: int, request: bytes) -> None:
        self._port = port
        self._request = request
        self._idle: list[socket.socket] = []
        self._flying: dict[socket.socket, Flight] = {}
        self.latencies: list[float] = []
        self.lags: list[float] = []
        self.failures = 0

    def run(self, rate: float, seconds: float) -> None:
        """Send all at their times, then wait for what is still on its way."""
        total = int(rate * seconds)
        start = time.monotonic() + 0.2
        sent, is_behind = 0, False
        while sent < total:
            now = time.monotonic()
            due = start + sent / rate
            is_free = len(self._flying) < CONNECTIONS
            if now >= due and is_free:
                if not is_behind:  # waiting for the server to free a connection is no fault of the client
                    self.lags.append(now - due)
                self._send(due)
                sent += 1
                continue
            is_behind = not is_free
            self._receive(max(0.0, due - now) if is_free else 1.0)
            if now > start + seconds + DRAIN_S:
                break
        deadline = time.monotonic() + DRAIN_S
        while self._flying and time.monotonic() < deadline:
            self._receive(0.1)
        self.failures += len(self._flying) + total - sent

    def _send(self, due: float) -> None:
        is_first = not self._idle
        connection = self._connect() if is_first else self._idle.pop()
        self._flying[connection] = Flight(due, is_first=is_first)
        with contextlib.suppress(OSError):  # the server closed an idle connection: seen when it is read
            connection.sendall(self._request)

    def _receive(self, timeout_s: float) -> None:
        readable, _, _ = select.select(list(self._flying), [], [], timeout_s)
        for connection in readable:
            flight = self._flying[connection]
            try:
                data = connection.recv(65_536)
            except OSError:
                data = b""
            flight.received += data
            if not data:
                self._lose(connection, flight)
            elif flight.is_complete():
                self._end(connection, flight)

    def _lose(self, connection: socket.socket, flight: Flight) -> None:
        """Send once more, as every client does, where the server had closed a connection that was idle."""
        del self._flying[connection]
        connection.close()
        if flight.is_first or flight.received:
            self.latencies.append(time.monotonic() - flight.intended)
            self.failures += 1
        else:
            self._send(flight.intended)

    def _end(self, connection: socket.socket, flight: Flight) -> None:
        self.latencies.append(time.monotonic() - flight.intended)
        del self._flying[connection]
        if flight.received[9:10] != b"2":
            self.failures += 1
        if b"connection: close" in flight.received[:1024].lower():
            connection.close()
        else:
            self._idle.append(connection)

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=5)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def request_of(port: int) -> bytes:
    """Return the bytes of the one request that is sent again and again."""
    body = Path(os.environ["BENCH_BODY"]).read_bytes()
    head = (
        f"POST /jobs HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: {os.environ['BENCH_AUTHORIZATION']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return a percentile of sorted seconds, in milliseconds."""
    return ordered[math.ceil(share / 100 * len(ordered)) - 1] * 1000


def main(port: int, rate: float, seconds: float) -> None:
    """Run and print."""
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    gc.disable()
    client = Client(port, request_of(port))
    began, used = time.monotonic(), time.process_time()
    client.run(rate, seconds)
    lasted = time.monotonic() - began
    if not client.latencies:
        sys.exit(f"none of {client.failures} requests was answered")
    latencies, lags = sorted(client.latencies), sorted(client.lags)
    print(
        json.dumps(
            {
                "requests": len(latencies),
                "failures": client.failures,
                "p50_ms": percentile(latencies, 50),
                "p99_ms": percentile(latencies, 99),
                "p999_ms": percentile(latencies, 99.9),
                "max_ms": percentile(latencies, 100),
                "lag_p99_ms": percentile(lags, 99),
                "client_cpu": (time.process_time() - used) / lasted,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))

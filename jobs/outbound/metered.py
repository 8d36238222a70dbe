"""A socket that reads no longer than its deadline and no more than its limit, however the other side drips."""

from __future__ import annotations

import io
import socket
import time
from typing import IO

BUFFER_BYTES = 8_192


class TooSlow(Exception):
    """The answer was not there in time."""


class TooLong(Exception):
    """The answer is longer than anybody reads."""


class MeteredSocket:
    """What `http.client` reads an answer from. `until` is monotonic."""

    def __init__(self, sock: socket.socket, until: float, most_bytes: int) -> None:
        self._sock = sock
        self._until = until
        self._left_bytes = most_bytes

    def makefile(self, mode: str = "rb") -> IO[bytes]:
        """Return the stream of what comes."""
        return io.BufferedReader(_Reader(self), BUFFER_BYTES)

    def receive_into(self, buffer: memoryview) -> int:
        """Read what is there. Raises TooSlow, TooLong or OSError."""
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise TooSlow
        if self._left_bytes <= 0:
            raise TooLong
        self._sock.settimeout(left_s)
        try:
            size = self._sock.recv_into(buffer[: self._left_bytes])
        except TimeoutError:
            raise TooSlow from None
        self._left_bytes -= size
        return size


class _Reader(io.RawIOBase):
    def __init__(self, metered: MeteredSocket) -> None:
        self._metered = metered

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # narrower: the reader above gives this one
        return self._metered.receive_into(memoryview(buffer))

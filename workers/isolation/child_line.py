"""A child's end of the line to its worker. What is sent goes whole, whoever interrupts the handler meanwhile."""

from __future__ import annotations

import socket
import threading

from jobs.domain.lease import Lease
from jobs.domain.report import MAX_LINE, MAX_PROGRESS_TEXT
from workers.isolation.messages import HEAD, Checkpoint, LogLine, Progress, Told, packed
from workers.verdict import Cancelled


class ChildLine:
    """Receives for the main thread, sends for any."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._sending = threading.Lock()
        self._main = threading.get_ident()
        self._is_busy = self._is_owed = False

    def receive(self) -> bytes:
        """Return the next message, b"" when the worker hung up."""
        head = self._read(HEAD.size)
        return head and self._read(HEAD.unpack(head)[0])

    def interrupt(self) -> None:
        """Raise Cancelled in the main thread, now or when it has sent what it is sending; for a signal's handler."""
        if not self._is_busy:
            raise Cancelled
        self._is_owed = True

    def send(self, message: Told) -> None:
        """Send a message. Raises OSError when the worker is gone."""
        is_main = threading.get_ident() == self._main
        if is_main:
            self._is_busy = True
        try:
            with self._sending:
                self._line.sendall(packed(message))
        finally:
            if is_main:
                self._is_busy = False
        if is_main and self._is_owed:
            self._is_owed = False
            raise Cancelled

    def _read(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            part = self._line.recv(size - len(received))
            if not part:
                return b""
            received += part
        return received


class ChildReports:
    """What one attempt says of itself, on its way to the worker, which brings it to the store."""

    def __init__(self, line: ChildLine, number: int) -> None:
        self._line = line
        self._number = number

    def progress(self, lease: Lease, fraction: float, text: str) -> None:
        """Say how far it is."""
        self._line.send(Progress(self._number, fraction, _writable(text[:MAX_PROGRESS_TEXT])))

    def line(self, lease: Lease, level: str, text: str) -> None:
        """Say a line of log."""
        self._line.send(LogLine(self._number, level, _writable(text[:MAX_LINE])))

    def checkpoint(self, lease: Lease, data: bytes) -> None:
        """Say where the next attempt can go on (JSON text)."""
        self._line.send(Checkpoint(self._number, data))


def _writable(text: str) -> str:
    # Half of a surrogate pair, as in the name of a file that is not UTF-8, cannot be sent.
    return text.encode("utf-8", "replace").decode()

"""A worker's end of the line to one child, on the event loop: messages whole, however they are cut on the way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import msgspec

from workers.isolation.messages import Told, Unpacker, decode_told

_READ_BYTES = 65_536


class Line:
    """Sends without waiting, hears on the running loop. `on_broken` once, when it ended and `close` was not called."""

    def __init__(self, line: socket.socket, on_told: Callable[[Told], None], on_broken: Callable[[], None]) -> None:
        line.setblocking(False)
        self._line = line
        self._on_told = on_told
        self._on_broken = on_broken
        self._unpacker = Unpacker()
        self._unsent = b""
        self._is_open = True
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(line.fileno(), self._read)

    def send(self, data: bytes) -> None:
        """Send, now or as soon as the child makes room."""
        self._unsent += data
        self._write()

    def drain(self) -> None:
        """Hand over all that has arrived, once the child is dead: what it said last stands here."""
        while self._is_open and self._read():
            pass

    def close(self) -> None:
        """Hang up: a child that runs nothing ends."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._line.fileno())
            self._loop.remove_writer(self._line.fileno())
            self._line.close()

    def _read(self) -> bool:
        """Hand over some of what has arrived, for others want the loop too; tell whether there was anything."""
        try:
            data = self._line.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        try:
            for body in self._unpacker.feed(data):
                self._on_told(decode_told(body))
        except msgspec.MsgspecError:  # the handler wrote into a file descriptor that is not its own
            data = b""
        if not data and self._is_open:
            self._break()
        return bool(data)

    def _break(self) -> None:
        self.close()
        self._on_broken()

    def _write(self) -> None:
        if not self._is_open:
            return
        try:
            sent = self._line.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            # Told by the reader, which also hears what the child still said.
            self._unsent = b""
            self._loop.remove_writer(self._line.fileno())
            return
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._loop.add_writer(self._line.fileno(), self._write)
        else:
            self._loop.remove_writer(self._line.fileno())

"""The extension of ASGI by which an application takes and gives whole messages, and asks to see a head again."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from jobs.processes.known_heads import KnownHeads, Serve

# Its name in a scope's `extensions`.
WHOLE: Final = "ironforge.whole"
# Of this process: an application is loaded once, and so is what it wants to see again.
known_heads: Final = KnownHeads()


class AnswerWriter(Protocol):
    """A connection that an answer can be written to."""

    loop: asyncio.AbstractEventLoop

    def write_answer(self, status: int, head: bytes, body: bytes) -> None:
        """Write a whole answer; `head` holds the header lines, each ended by CRLF."""


class Whole:
    """Hands a request's body over at once where it has arrived, and sends a small answer in one write to the socket."""

    __slots__ = ("_cycle", "_piece", "_protocol", "loop")

    def __init__(self, protocol: AnswerWriter, cycle: RequestResponseCycle, piece: bytes) -> None:
        self.loop = protocol.loop
        self._protocol = protocol
        self._cycle = cycle
        self._piece = piece  # what has come since the start of the request, if that came at once

    @property
    def is_gone(self) -> bool:
        """Tell whether the connection is lost."""
        return self._cycle.disconnected

    def body(self) -> bytes | None:
        """Return the whole body if it is here; None: read it in the usual way."""
        cycle = self._cycle
        if cycle.more_body or cycle.disconnected or cycle.waiting_for_100_continue:
            return None
        return bytes(cycle.body)

    def answer(self, status: int, head: bytes, body: bytes) -> bool:
        """Send and end the answer; False: send it in the usual way, for the connection is congested or to be closed.

        `head` holds the header lines, each ended by CRLF, `content-length` among them.
        """
        cycle = self._cycle
        if cycle.response_started or cycle.disconnected or not cycle.keep_alive or cycle.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        self._protocol.write_answer(status, head, body)
        cycle.message_event.set()
        cycle.on_response()
        return True

    def remember(self, length: int, serve: Serve) -> None:
        """Let `serve` take the requests that come in one piece with this very head and a body of `length` bytes."""
        cycle = self._cycle
        if cycle.keep_alive and cycle.scope["http_version"] == "1.1":
            known_heads.remember(self._piece, length, serve)

"""Submissions whose head is, byte for byte, one that was answered before: served without a task or a coroutine.

A client sends the same head again and again, so what it means need not be found out again. Whatever is not the plain
case is left to the usual way, which judges it from the beginning; refusals exist there only.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol

from jobs.access.actor import Actor
from jobs.access.credentials import known_key
from jobs.backends.base import Submitted
from jobs.domain.errors import IronForgeError
from jobs.domain.problem import ProblemDocument
from jobs.gateway import answer
from jobs.gateway.answer import JSON_TYPE, PROBLEM_TYPE, Header, failure, header_lines, new_request_id, refusal
from jobs.gateway.credentials import key_text, open_actor_of
from jobs.gateway.exchange import Headers
from jobs.services.async_jobs import AsyncJobs
from jobs.services.parcels import Outcome
from jobs.services.submission import NewJob, accepted, read_spec
from jobs.telemetry.requests import answered

# A head with any other header may differ from request to request, and is not worth remembering.
_SAME_EACH_TIME: Final = frozenset(
    b"host authorization content-type content-length user-agent accept accept-encoding accept-language connection "
    b"origin".split()
)


class Connection(Protocol):
    """Where the answer goes; a client that left is no error. `client` is the other end's address and port."""

    client: tuple[str, int] | None
    loop: asyncio.AbstractEventLoop

    def answer(self, status: int, head: bytes, body: bytes) -> None:
        """Send the answer; `head` holds header lines, each ended by CRLF."""


def is_repeatable(headers: Headers) -> bool:
    """Tell whether the same head may come again and mean the same."""
    return b"content-length" in headers and headers.keys() <= _SAME_EACH_TIME


class RepeatedHead:
    """Submits for everyone who sends one certain head."""

    __slots__ = ("_headers", "_jobs", "_key", "_prefix")

    def __init__(self, headers: Headers, prefix: str, jobs: AsyncJobs) -> None:
        self._headers = headers
        self._key = key_text(headers) if b"authorization" in headers else None
        self._prefix = prefix
        self._jobs = jobs

    def __call__(self, body: bytes, connection: Connection) -> bool:
        """Begin to serve a request; False: nothing was done, serve it in the usual way."""
        if connection.loop is not self._jobs.loop:
            return False
        try:
            actor = self._actor(connection)
            if actor is None:
                return False
            spec = read_spec(body, now_ms=time.time_ns() // 1_000_000)
            self._jobs.begin_one(actor, NewJob(spec), _Reply(connection, self._prefix).tell)
        except Exception:  # noqa: BLE001 (raised before the job waits; the usual way meets it again and says so)
            return False
        return True

    def _actor(self, connection: Connection) -> Actor | None:
        """Return who asks, if that is known at once."""
        if self._key is None:
            return open_actor_of(connection.client[0] if connection.client else None, self._headers)
        known = known_key(self._key)
        return None if known is None or known[1] else known[0]


class _Reply:
    """Turns the outcome of a submission into an answer."""

    __slots__ = ("_connection", "_prefix")

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix

    def tell(self, outcome: Outcome | Exception) -> None:
        """Answer. Nothing is raised: others wait behind for outcomes of the same call."""
        request_id = new_request_id()
        try:
            status, head, body = self._answer(_stored(outcome), request_id)
        except IronForgeError as error:
            document, more = refusal(error)
            status, head, body = _problem(document, request_id, more)
        except Exception as error:  # noqa: BLE001 (whatever it is, the client gets an answer and the log the reason)
            document = failure(error, "submit", "POST", f"{self._prefix}/jobs", request_id)
            status, head, body = _problem(document, request_id, ())
        self._connection.answer(status, head, body)
        answered("submit", status)

    def _answer(self, made: Submitted, request_id: str) -> tuple[int, bytes, bytes]:
        status, body, more = answer.submitted_answer(made, self._prefix)
        return status, header_lines(JSON_TYPE, len(body), request_id, more), body


def _stored(outcome: Outcome | Exception) -> Submitted:
    """Return the answer for a job that is stored. Raises what is said instead of one."""
    if isinstance(outcome, Exception):
        raise outcome
    return accepted(outcome)


def _problem(document: ProblemDocument, request_id: str, more: tuple[Header, ...]) -> tuple[int, bytes, bytes]:
    body = document.named(request_id).encode()
    return document.status, header_lines(PROBLEM_TYPE, len(body), request_id, more), body

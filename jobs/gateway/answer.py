"""What the data plane answers, whichever way it goes out: header lines, refusals and the answer to a submission."""

from __future__ import annotations

import logging
import random
from typing import Final

from jobs.backends.base import Submitted
from jobs.domain.errors import IronForgeError, NotAuthenticated
from jobs.domain.guard_headers import GUARD_HEADERS
from jobs.domain.instant import instant
from jobs.domain.problem import BEARER_REALM, CONTENT_TYPE, ProblemDocument, problem, problem_of, retry_after_s
from jobs.services.answers import SubmitCode
from jobs.telemetry.logs import get_logger, log_event

Header = tuple[bytes, bytes]

ALWAYS: Final[tuple[Header, ...]] = tuple((name.encode(), value.encode()) for name, value in GUARD_HEADERS)
JSON_TYPE: Final = b"application/json"
PROBLEM_TYPE: Final = CONTENT_TYPE.encode()
_REPLAYED: Final[Header] = (b"idempotent-replayed", b"true")
_ALWAYS_LINES: Final = b"".join(b"%b: %b\r\n" % pair for pair in ALWAYS)
_chance = random.Random()
_log = get_logger("server")


def new_request_id() -> str:
    """Return a name for a request that came without one."""
    return f"{_chance.getrandbits(96):024x}"


def header_lines(content_type: bytes, length: int, request_id: str, more: tuple[Header, ...]) -> bytes:
    """Return the header lines of an answer of `length` bytes, each ended by CRLF."""
    own = b"content-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n" % (
        content_type,
        length,
        request_id.encode(),
    )
    return b"".join((own, *[b"%b: %b\r\n" % pair for pair in more], _ALWAYS_LINES))


def submitted_answer(made: Submitted, prefix: str) -> tuple[int, bytes, tuple[Header, ...]]:
    """Return status, body and headers that say that a job is stored: 202, or 200 where it was before."""
    document = f'{{"id":"{made.job_id}","status":"{made.status}","created_at":"{instant(made.created_at)}"}}'
    location = (b"location", f"{prefix}/jobs/{made.job_id}".encode())
    if made.code is SubmitCode.REPLAYED:
        return 200, document.encode(), (location, _REPLAYED)
    if made.code is SubmitCode.EXISTING:
        return 200, f'{document[:-1]},"existing":true}}'.encode(), (location,)
    return 202, document.encode(), (location,)


def refusal(error: IronForgeError) -> tuple[ProblemDocument, tuple[Header, ...]]:
    """Return the document and the headers that an error is answered with."""
    more: tuple[Header, ...] = ()
    seconds = retry_after_s(error)
    if seconds is not None:
        more = ((b"retry-after", b"%d" % seconds),)
    if isinstance(error, NotAuthenticated):
        more = (*more, (b"www-authenticate", BEARER_REALM.encode()))
    return problem_of(error), more


def failure(error: Exception, operation: str, method: str, path: str, request_id: str) -> ProblemDocument:
    """Log a mistake of ours and return the document for it, which says no more than where to look."""
    log_event(
        _log,
        "http.failed",
        level=logging.ERROR,
        exception=error,
        method=method,
        path=path,
        request_id=request_id,
        operation=operation,
    )
    detail = "Something went wrong here. The log says what, under the request id."
    return problem(500, "internal_error", detail, retryable=True)

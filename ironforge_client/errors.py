"""The one tree of errors that the SDK raises on purpose.

IronForgeError
├── ConnectionFailed        no answer: refused, cut, or silent for too long
├── UnreadableAnswer        an answer that is not IronForge's, such as a proxy's page
├── WaitTimeout             a job was not final in time (also a TimeoutError); carries the job
├── BulkInterrupted         a bulk submission ended between two requests; carries what was answered
└── ProblemError            a refusal, with its problem document (RFC 9457)
    ├── BadRequest          400 and the other 4xx: a request that the server cannot read
    ├── NotAuthenticated    401
    ├── NotPermitted        403
    ├── NotFound            404
    ├── Conflict            409  carries the state that forbade the act
    ├── Invalid             422  `errors` names each wrong field
    ├── TooManyRequests     429  `retry_after_s` says when to come again
    └── Unavailable         5xx  the server or its store cannot answer now
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class IronForgeError(Exception):
    """Root of the tree. `is_retryable` tells whether the same call may succeed later."""

    is_retryable = False


class ConnectionFailed(IronForgeError):
    """No answer came. `is_sent` is False when the request cannot have reached the server."""

    is_retryable = True

    def __init__(self, detail: str, *, is_sent: bool) -> None:
        super().__init__(detail)
        self.is_sent = is_sent


class UnreadableAnswer(IronForgeError):
    """The answer is not one of IronForge's: something else listens at this address, or stands in between."""

    def __init__(self, detail: str, *, status: int) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field; `pointer` (RFC 6901) leads to it in what was sent."""

    pointer: str
    code: str
    detail: str


class ProblemError(IronForgeError):
    """The server refused. `code` is stable, `detail` is for people; `retry_after_s` is None when none was told."""

    def __init__(self, document: Mapping[str, Any], retry_after_s: float | None = None) -> None:
        self.status = int(document.get("status") or 0)
        self.code = str(document.get("code") or "")
        self.detail = str(document.get("detail") or document.get("title") or "")
        self.errors = tuple(_field_error(found) for found in document.get("errors") or ())
        self.request_id = str(document.get("request_id") or "")
        self.current_status: str | None = document.get("current_status")
        self.holder: str | None = document.get("holder")
        self.retry_after_s = retry_after_s
        self.is_retryable = bool(document.get("retryable")) or self.status in (429, 503)
        super().__init__(self._text())

    def _text(self) -> str:
        fields = "; ".join(f"{found.pointer or '/'}: {found.detail}" for found in self.errors)
        told = f"{self.status} {self.code}: {self.detail}"
        return f"{told} ({fields})" if fields and fields != self.detail else told


class BadRequest(ProblemError):
    """The server cannot read the request."""


class NotAuthenticated(ProblemError):
    """No valid API key."""


class NotPermitted(ProblemError):
    """The API key lacks the scope for this."""


class NotFound(ProblemError):
    """Nothing of that name, or it belongs to another namespace."""


class Conflict(ProblemError):
    """The state of the job, in `current_status`, forbids the act; `holder` is the id of the one with the unique key."""


class Invalid(ProblemError):
    """One or more fields are wrong; `errors` names all of them."""


class TooManyRequests(ProblemError):
    """Tried too often."""


class Unavailable(ProblemError):
    """The server or its store cannot answer now."""


class WaitTimeout(IronForgeError, TimeoutError):
    """The job is not final yet; `job` is how it was seen last, None when the server never answered."""

    is_retryable = True

    def __init__(self, detail: str, job: Any) -> None:
        super().__init__(detail)
        self.job = job


class BulkInterrupted(IronForgeError):
    """A bulk submission ended early; its cause is `__cause__`.

    `result` holds the items that were answered. The same jobs submitted with `idempotency_key` again become no
    second jobs.
    """

    is_retryable = True

    def __init__(self, detail: str, result: Any, idempotency_key: str) -> None:
        super().__init__(detail)
        self.result = result
        self.idempotency_key = idempotency_key


_BY_STATUS: dict[int, type[ProblemError]] = {
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    429: TooManyRequests,
}


def problem_error(document: Mapping[str, Any], retry_after_s: float | None = None) -> ProblemError:
    """Return the error of a problem document."""
    status = int(document.get("status") or 0)
    kind = _BY_STATUS.get(status, Unavailable if status >= 500 else BadRequest)
    return kind(document, retry_after_s)


def _field_error(found: Mapping[str, Any]) -> FieldError:
    return FieldError(str(found.get("pointer", "")), str(found.get("code", "")), str(found.get("detail", "")))

"""The problem document (RFC 9457) that every refusal is answered with, whichever face answers.

Pure: it knows the shape and which error has which HTTP status, and nothing of a web framework.
"""

from __future__ import annotations

import msgspec

from jobs.domain.errors import (
    BackendUnavailable,
    InvalidInput,
    IronForgeError,
    MalformedInput,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Problem,
    QuotaExceeded,
    StateConflict,
    TooManyAttempts,
    UniqueConflict,
)

CONTENT_TYPE = "application/problem+json"
# The challenge of a 401.
BEARER_REALM = 'Bearer realm="ironforge"'

# A body of a mebibyte can be wrong in a hundred thousand places; nobody reads beyond the first.
MAX_PROBLEMS = 100

# The most special class first: the first that fits wins.
_STATUS: tuple[tuple[type[IronForgeError], int], ...] = (
    (MalformedInput, 400),
    (InvalidInput, 422),
    (NotFound, 404),
    (StateConflict, 409),
    (NotPermitted, 403),
    (NotAuthenticated, 401),
    (TooManyAttempts, 429),
    (BackendUnavailable, 503),
)

_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not permitted",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Request timeout",
    409: "Conflict",
    413: "Content too large",
    415: "Unsupported media type",
    422: "Not valid",
    429: "Too many requests",
    500: "Internal error",
    501: "Not implemented",
    503: "Unavailable",
}


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a refusal. `current_status` is the state of the job that forbade the act, on 409 only; `holder` the
    id of the job that holds the unique key, with `unique_conflict` only.
    """

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: tuple[Problem, ...] = ()
    request_id: str = ""
    retryable: bool = False
    current_status: str | msgspec.UnsetType = msgspec.UNSET
    holder: str | msgspec.UnsetType = msgspec.UNSET

    def encode(self) -> bytes:
        """Return the body as it is sent."""
        return msgspec.json.encode(self)

    def named(self, request_id: str) -> ProblemDocument:
        """Return the document under the name of the request that it answers."""
        return msgspec.structs.replace(self, request_id=request_id)

    def members(self) -> dict[str, object]:
        """Return the members for a framework that does the encoding itself."""
        plain = msgspec.to_builtins(self)
        return {str(name): value for name, value in plain.items()}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: tuple[Problem, ...] = (),
    request_id: str = "",
    retryable: bool = False,
) -> ProblemDocument:
    """Build the document of a refusal that is no IronForgeError, such as a wrong method or media type."""
    title = _TITLES.get(status, "Error")
    return ProblemDocument(
        title=title, status=status, code=code, detail=detail, errors=errors, request_id=request_id, retryable=retryable
    )


def problem_of(error: IronForgeError, request_id: str = "") -> ProblemDocument:
    """Build the document of an error of the tree; its `status` is the HTTP status to answer with."""
    status = status_of(error)
    current = error.status if isinstance(error, StateConflict) and error.status else msgspec.UNSET
    return ProblemDocument(
        title=_TITLES.get(status, "Error"),
        status=status,
        code=error.code,
        detail=error.detail,
        errors=_errors_of(error),
        request_id=request_id,
        retryable=error.retryable,
        current_status=current,
        holder=error.holder if isinstance(error, UniqueConflict) and error.holder else msgspec.UNSET,
    )


def _errors_of(error: IronForgeError) -> tuple[Problem, ...]:
    if isinstance(error, QuotaExceeded):
        return (error.problem,)
    return tuple(error.problems[:MAX_PROBLEMS]) if isinstance(error, InvalidInput) else ()


def status_of(error: IronForgeError) -> int:
    """Return the HTTP status of an error; 500 for one that no face should ever see."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def retry_after_s(error: IronForgeError) -> int | None:
    """Return the seconds for the `Retry-After` header, or None where waiting does not help."""
    return error.retry_after_s if isinstance(error, (BackendUnavailable, TooManyAttempts)) else None

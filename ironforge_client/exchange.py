"""One request and its answer as values, and when to send it again. Nothing here opens a connection or sleeps.

An *act* is a generator that yields what is to be done (`Send`, `Pause`) and returns its result, so that the
synchronous and the asynchronous client are two short loops around the same acts.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ironforge_client.errors import ConnectionFailed, ProblemError, UnreadableAnswer, problem_error

T = TypeVar("T")
JSON_TYPE = "application/json"

# The silence after which a connection counts as lost, beyond the time that the server was asked to wait.
SILENCE_S = 15.0
_LONGEST_EXPONENT = 16
# What a proxy says by itself, when the server behind it is away, it has enough, or a request is beyond its own limit.
_PROXIED = {413: "too_large", **dict.fromkeys((429, 502, 503, 504), "unavailable")}


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. `is_repeatable`: a second copy does no harm; `held_s`: how long the answer may be held back."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = False
    held_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> Any:
        """Return the JSON value of the body, None when it is empty. Raises UnreadableAnswer."""
        try:
            return json.loads(self.body) if self.body else None
        except (ValueError, RecursionError) as error:
            raise UnreadableAnswer(self._unreadable("is not JSON"), status=self.status) from error

    def read(self, reader: Callable[[Any], T]) -> T:
        """Return what `reader` makes of the document. Raises UnreadableAnswer where that is not as it must be."""
        document = self.document()
        try:
            return reader(document)
        except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
            detail = self._unreadable(f"is not what was asked for ({type(error).__name__}: {error})")
            raise UnreadableAnswer(detail, status=self.status) from error

    def check(self) -> None:
        """Raise what was refused: ProblemError, or UnreadableAnswer when IronForge did not say it."""
        if 200 <= self.status < 300:
            return
        try:
            problem = json.loads(self.body)
            refusal = problem_error({**problem, "status": self.status}, self.retry_after_s())
        except (AttributeError, TypeError, ValueError, RecursionError):
            refusal = None
        if refusal is not None and refusal.code:
            raise refusal
        code = _PROXIED.get(self.status)
        if code is None:
            raise UnreadableAnswer(self._unreadable("is no problem document"), status=self.status)
        detail = self._unreadable("comes from in front of IronForge")
        raise problem_error({"status": self.status, "code": code, "detail": detail}, self.retry_after_s())

    def retry_after_s(self) -> float | None:
        """Return the seconds of `Retry-After`; None without it, or when it is a date."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isascii() and text.isdigit() else None

    def _unreadable(self, what: str) -> str:
        return f"The answer {self.status} {what}: {self.body[:200].decode(errors='replace')!r}"


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request; the act is given the Answer, or ConnectionFailed is raised in it."""

    request: Request
    silence_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for a while."""

    seconds: float


# What is sent into it is the Answer after a `Send`, nothing after a `Pause`.
Act = Generator[Send | Pause, Any, T]


@dataclass(frozen=True, slots=True)
class Retrying:
    """How often and when a request is sent again.

    At most `retries` times, after random pauses (full jitter) of up to 0.1, 0.2, 0.4 … 5 s, never before the
    `Retry-After` of the answer, and not beyond `timeout_s` in all.
    """

    retries: int = 4
    timeout_s: float = 30.0
    base_s: float = 0.1
    longest_s: float = 5.0

    def pause_s(self, retry: int, retry_after_s: float | None) -> float:
        """Return how long to wait before the retry of that number, from 0."""
        reach = min(self.longest_s, self.base_s * 2.0 ** min(retry, _LONGEST_EXPONENT))
        return (retry_after_s or 0.0) + random.uniform(0.0, reach)


def exchange(request: Request, retrying: Retrying) -> Act[Answer]:
    """Send a request as often as is allowed and safe; return the answer, which is a success.

    Raises ProblemError, ConnectionFailed, UnreadableAnswer. Of refusals only 429 and those of a server that is away
    (502, 503, 504) are tried again, and only where a second copy does no harm; a request that cannot have arrived
    always is.
    """
    give_up_at = time.monotonic() + retrying.timeout_s
    retry = 0
    while True:
        try:
            answer: Answer = yield Send(request, _silence_s(request, give_up_at))
            answer.check()
        except (ConnectionFailed, ProblemError) as error:
            pause_s = retrying.pause_s(retry, getattr(error, "retry_after_s", None))
            is_late = time.monotonic() + pause_s >= give_up_at
            if retry >= retrying.retries or is_late or not _may_repeat(request, error):
                raise
        else:
            return answer
        yield Pause(pause_s)
        retry += 1


def encode(value: object) -> bytes:
    """Return compact JSON. Raises TypeError or ValueError for what JSON cannot say, NaN too."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _may_repeat(request: Request, error: ConnectionFailed | ProblemError) -> bool:
    if isinstance(error, ConnectionFailed):
        return request.is_repeatable or not error.is_sent
    return error.status == 429 or (request.is_repeatable and error.status in (502, 503, 504))


def _silence_s(request: Request, give_up_at: float) -> float:
    # At least a moment: the deadline is looked at between attempts, and a timeout of 0 could not even connect.
    return max(0.1, min(SILENCE_S + request.held_s, give_up_at - time.monotonic()))

"""The one tree of errors that IronForge raises on purpose; each carries a stable `code`.

    IronForgeError
    ├── InvalidInput            422  one or more fields are wrong; lists every problem found
    │   └── MalformedInput      400  the text could not be read at all (bad JSON, too deep, not UTF-8)
    ├── NotFound                404  no such thing, or it belongs to another namespace
    ├── StateConflict           409  the job's present state forbids the act; carries that state
    │   └── UniqueConflict      409  another job holds the unique key; carries its id
    ├── NotPermitted            403  the credential lacks a scope or role
    ├── NotAuthenticated        401  no credential, or one that is not valid
    ├── TooManyAttempts         429  a limit on how often, or how many at a time; carries when to try again
    │   └── QuotaExceeded       429  the namespace has all that it may have; names the limit
    └── BackendUnavailable      503  the store cannot answer now; carries when to try again

The codes are part of the public contract: faces translate them, they never invent others.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one field.

    `pointer` is an RFC 6901 JSON pointer into the request body (`""` is the whole body); `position` counts the
    characters of the field's text from 0, where the mistake has a place in it.
    """

    pointer: str
    code: str
    detail: str
    position: int | msgspec.UnsetType = msgspec.UNSET


class IronForgeError(Exception):
    """Root of the tree. `code` is stable, `detail` is for people and may change."""

    code = "error"
    retryable = False

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code


class InvalidInput(IronForgeError):
    """The input was read but breaks one or more rules; `problems` names all of them."""

    code = "invalid"

    def __init__(self, problems: list[Problem], *, detail: str = "", code: str | None = None) -> None:
        if not detail:
            detail = problems[0].detail if len(problems) == 1 else f"{len(problems)} fields are not valid."
        super().__init__(detail, code=code)
        self.problems = problems


class MalformedInput(InvalidInput):
    """The body is not JSON that IronForge can read; nothing in it was judged."""

    code = "malformed"

    def __init__(self, detail: str, *, code: str | None = None, pointer: str = "") -> None:
        super().__init__([Problem(pointer, code or self.code, detail)], detail=detail, code=code)


class NotFound(IronForgeError):
    """Nothing of that name is visible to this actor."""

    code = "not_found"


class StateConflict(IronForgeError):
    """The act is not allowed in the state the thing is in; `status` is that state."""

    code = "conflict"

    def __init__(self, detail: str, *, status: str = "", code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.status = status


class UniqueConflict(StateConflict):
    """Another job holds the unique key; `holder` is its id, empty for one of the same request that is not stored."""

    code = "unique_conflict"

    def __init__(self, detail: str, *, status: str, holder: str) -> None:
        super().__init__(detail, status=status)
        self.holder = holder


class NotPermitted(IronForgeError):
    """Known, but not allowed."""

    code = "forbidden"


class NotAuthenticated(IronForgeError):
    """No valid credential. The text never says which part was wrong."""

    code = "unauthenticated"


class TooManyAttempts(IronForgeError):
    """Tried too often in too short a time, or more at a time than one may have; nothing was done.

    codes: `too_many_attempts`, `too_many_names` (queues that claims wait for), `too_many_workers`, `too_many_tests` (of
    alerts).
    """

    code = "too_many_attempts"
    retryable = True

    def __init__(self, detail: str, *, code: str | None = None, retry_after_s: int = 60) -> None:
        super().__init__(detail, code=code)
        self.retry_after_s = retry_after_s


class QuotaExceeded(TooManyAttempts):
    """The namespace has as much as its quota allows; `problem` names the limit: `stored_jobs`, `stored_bytes` or
    `submissions_per_s`. Nothing was stored.
    """

    def __init__(self, problem: Problem, *, retry_after_s: int) -> None:
        super().__init__(problem.detail, code="quota_exceeded", retry_after_s=retry_after_s)
        self.problem = problem


class BackendUnavailable(IronForgeError):
    """The store cannot do this now. Nothing was acknowledged, though a store that fell silent may still do it; the same
    call may be sent again.

    codes: `store_unavailable` (down, loading, slow), `queue_full` (out of memory),
    `storage_full` (the disk refuses writes), `not_durable` (too few replicas),
    `database_unavailable` (people and keys cannot be looked up).
    """

    code = "store_unavailable"
    retryable = True

    def __init__(self, detail: str, *, code: str | None = None, retry_after_s: int = 1) -> None:
        super().__init__(detail, code=code)
        self.retry_after_s = retry_after_s

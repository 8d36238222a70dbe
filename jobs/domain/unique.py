"""Jobs of which there is one at a time: under a key that one holds, or that collects what comes within a while."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from jobs.domain.status import Status

# The audit log names one as what was acted on.
MAX_KEY = 200
MAX_TTL_MS = 365 * 86_400_000
MAX_DELAY_MS = 30 * 86_400_000


class Until(StrEnum):
    """How long a job holds its key: until it is handed out for the first time, or until its end."""

    STARTED = "started"
    FINISHED = "finished"


class OnConflict(StrEnum):
    """What becomes of a new job whose key another holds.

    It is refused, answered with the holder, or takes the place of a holder that waits.
    """

    REJECT = "reject"
    RETURN = "return"
    REPLACE = "replace"


class Unique(msgspec.Struct, frozen=True):
    """The key of a job, unique in its namespace. After `ttl_ms` another may take it; None: only once it is let go."""

    key: str
    until: Until = Until.FINISHED
    ttl_ms: int | None = None
    on_conflict: OnConflict = OnConflict.REJECT


class Debounce(msgspec.Struct, frozen=True):
    """A job that starts `delay_ms` after the last submission with its key, with that one's payload.

    At most `max_wait_ms` after the first; None: there is no bound.
    """

    key: str
    delay_ms: int
    max_wait_ms: int | None = None


class Lock(msgspec.Struct, frozen=True):
    """A key that is held, and by whom; times are Unix ms. `ends_at` None: when its holder lets it go."""

    key: str
    job_id: str
    kind: str
    queue: str
    status: Status
    until: Until
    is_debounced: bool
    taken_at: int
    ends_at: int | None


class LockPlace(msgspec.Struct, frozen=True):
    """A place in the list of locks: the last one seen."""

    taken_at: int
    key: str

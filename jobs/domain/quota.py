"""What a namespace may have, how long it keeps what has ended, and how much it has.

None stands for what is not limited, or is as everywhere.
"""

from __future__ import annotations

import msgspec

# The largest number that a limit may have: a double holds all up to here.
MOST = 2**53 - 1
MAX_PER_S = 1_000_000
MAX_AGE_MS = 10 * 365 * 86_400_000
# Of a namespace, where workers serve several: its turns for one of a namespace of weight 1.
DEFAULT_WEIGHT = 1


class Quota(msgspec.Struct, frozen=True):
    """Jobs stored in any status, bytes of their payloads and results, submissions a second, jobs running at once."""

    jobs: int | None = None
    bytes: int | None = None
    submissions_per_s: int | None = None
    running: int | None = None


class OwnRetention(msgspec.Struct, frozen=True):
    """How long ended jobs (completed and cancelled) and dead letters are kept, and how many of each at most."""

    ended_age_ms: int | None = None
    ended_jobs: int | None = None
    dead_letter_age_ms: int | None = None
    dead_letters: int | None = None


class TenantUse(msgspec.Struct, frozen=True):
    """The rules of a namespace and what counts against them. `ended` and `dead_letters` are among `jobs`.

    `weight` is its part of the workers that serve it and others.
    """

    quota: Quota
    retention: OwnRetention
    jobs: int = 0
    bytes: int = 0
    running: int = 0
    ended: int = 0
    dead_letters: int = 0
    weight: int = DEFAULT_WEIGHT


# Nothing is let in, and nothing handed out.
CLOSED = Quota(jobs=0, running=0)

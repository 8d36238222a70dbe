"""What schedules may choose between; apart from when they fire, for whoever has no use for zones."""

from __future__ import annotations

from enum import StrEnum

# Of a namespace: each list has them all, with what their jobs work on.
MAX_SCHEDULES = 1_000
MAX_JOBS_LENGTH = 16 * 1024 * 1024


class CatchUp(StrEnum):
    """What is done about instants that nobody was there for."""

    SKIP = "skip"
    LATEST = "latest"
    ALL = "all"


class Overlap(StrEnum):
    """What is done when an instant comes while the job of the one before is under way.

    `skip`: nothing while it is not final. `queue_one`: nothing while it has not started.
    """

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE_ONE = "queue_one"

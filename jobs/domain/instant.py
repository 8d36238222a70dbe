"""Times in answers: RFC 3339 in UTC with milliseconds and Z."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

# The years 1 to 9999 in UTC (Unix ms): beyond them no face can write a time.
FIRST_MOMENT, LAST_MOMENT = -62_135_596_800_000, 253_402_300_799_999


def instant(unix_ms: int) -> str:
    """Return a time, `2026-01-17T10:30:00.000Z`."""
    seconds, milliseconds = divmod(unix_ms, 1000)
    return f"{_to_the_second(seconds)}.{milliseconds:03d}Z"


def text_of(at: datetime) -> str:
    """Return a time of the database."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339(unix_ms: int | None) -> str | None:
    """Return a time; None for one that has not come."""
    return None if unix_ms is None else instant(unix_ms)


@lru_cache(maxsize=4096)
def _to_the_second(unix_s: int) -> str:
    # Most times in an answer, and most answers of a second, share it.
    # Not strftime(), which writes years before 1000 with fewer digits.
    return datetime.fromtimestamp(unix_s, UTC).replace(tzinfo=None).isoformat()

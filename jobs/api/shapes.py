"""What all answers share: compact JSON, times, pages. The OpenAPI document is made from the same structs."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

_encoder = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """Return compact JSON."""
    return _encoder.encode(value)


def rfc3339(unix_ms: int | None) -> str | None:
    """Return a time in UTC with milliseconds and Z; None for one that has not come."""
    return None if unix_ms is None else instant(unix_ms)


def instant(unix_ms: int) -> str:
    """Return a time that is there."""
    return text_of(datetime.fromtimestamp(unix_ms / 1000, UTC))


def text_of(at: datetime) -> str:
    """Return a time of the database."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class PageShape(msgspec.Struct, frozen=True):
    """Cursors of the neighbouring pages, null where there is none."""

    next: str | None = None
    prev: str | None = None

"""Times as the interface writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def seconds(text: str) -> float:
    """Return Unix seconds of an RFC 3339 text."""
    return datetime.fromisoformat(text).timestamp()


def in_seconds(after_s: float) -> str:
    """Return the RFC 3339 text of a moment that is to come."""
    return (datetime.now(UTC) + timedelta(seconds=after_s)).isoformat()

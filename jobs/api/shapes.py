"""What all answers share: compact JSON, times, pages. The OpenAPI document is made from the same structs."""

from __future__ import annotations

import msgspec

_encoder = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """Return compact JSON."""
    return _encoder.encode(value)


class PageShape(msgspec.Struct, frozen=True):
    """Cursors of the neighbouring pages, null where there is none."""

    next: str | None = None
    prev: str | None = None

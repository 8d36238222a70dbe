"""A value of a handler as JSON text within bounds, or why it cannot be that."""

from __future__ import annotations

import msgspec

from jobs.domain.payload import MAX_DEPTH, depth_exceeds, has_non_finite

_encoder = msgspec.json.Encoder()


def encode_json(value: object, limit: int) -> bytes:
    """Return a value as JSON text of at most `limit` bytes. Raises ValueError that says what is wrong with it."""
    try:
        # First of all: it alone notices a value that contains itself, on which the checks below would never end.
        encoded = _encoder.encode(value)
        if has_non_finite(value):
            raise ValueError("it is not JSON: NaN and infinities are not JSON values")
    except (TypeError, OverflowError, RecursionError, msgspec.EncodeError) as error:
        raise ValueError(f"it is not JSON: {error}") from error
    if len(encoded) > limit:
        raise ValueError(f"it is {len(encoded)} bytes, at most {limit} are kept")
    if depth_exceeds(encoded.decode("utf-8"), MAX_DEPTH):
        raise ValueError(f"it nests deeper than {MAX_DEPTH} levels")
    return encoded

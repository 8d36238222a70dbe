"""The rule for idempotency keys, the same in every lane."""

from __future__ import annotations

import hashlib
import re

from jobs.domain.errors import InvalidInput, Problem

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def checked_key(key: str | None) -> str | None:
    """Return the key if it is one. Raises InvalidInput."""
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidInput([Problem(HEADER, "invalid_name", f"An {HEADER} is 1–255 printable ASCII characters.")])
    return key


def fingerprint_of(body: bytes) -> str:
    """Return what tells whether a key comes again with the same request: the SHA-256 (hex) of the body as sent."""
    return hashlib.sha256(body).hexdigest()

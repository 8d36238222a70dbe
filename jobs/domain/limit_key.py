"""The key of a job, by which its kind may be limited: given, or found in its payload where the limit says."""

from __future__ import annotations

import hashlib
import re

import msgspec

MAX_LIMIT_KEY = 128
# `payload.account_id`, `payload.user.id`.
PATH = re.compile(r"payload(\.[A-Za-z0-9_-]{1,64}){1,8}")
RULE = f"1–{MAX_LIMIT_KEY} printable characters"


def is_limit_key(text: str) -> bool:
    """Tell whether a text can be the key of a job."""
    return 1 <= len(text) <= MAX_LIMIT_KEY and text.isprintable()


def is_path(text: str) -> bool:
    """Tell whether a text says where a payload has a key."""
    return PATH.fullmatch(text) is not None


def key_at(payload: bytes, path: str) -> str | None:
    """Return the key that a payload (JSON text) has there: a string or a whole number; None where it has neither.

    What is no key, as a text that is too long, is taken by its SHA-256.
    """
    value = msgspec.json.decode(payload)
    for name in path.split(".")[1:]:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    text = str(value)
    return text if is_limit_key(text) else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

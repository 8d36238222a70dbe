"""Reads what makes a job unique, debounced or due to expire."""

from __future__ import annotations

from jobs.domain.job import MAX_DELAY_MS as LONGEST_MS
from jobs.domain.payload import has_lone_surrogate
from jobs.domain.reader import Reader, parse_instant
from jobs.domain.unique import MAX_DELAY_MS, MAX_KEY, MAX_TTL_MS, Debounce, OnConflict, Unique, Until

_UNIQUE_FIELDS = frozenset({"key", "until", "ttl_ms", "on_conflict"})
_DEBOUNCE_FIELDS = frozenset({"key", "delay_ms", "max_wait_ms"})


def read_expiry(reader: Reader, due_ms: int | None, now_ms: int) -> int | None:
    """Return `expires_at` as Unix ms; it may be over already, for a request that is sent again must be read alike."""
    value = reader.value("expires_at")
    if value is None:
        return None
    instant = parse_instant(value) if isinstance(value, str) else None
    if instant is None:
        detail = "expires_at must be an RFC 3339 date and time with an offset, such as 2026-01-17T10:30:00Z."
        reader.refuse("expires_at", "invalid_time", detail)
    elif instant < 0 or instant > now_ms + LONGEST_MS:
        reader.refuse("expires_at", "out_of_range", "expires_at must be within the next 10 years.")
    elif due_ms is not None and instant <= due_ms:
        reader.refuse("expires_at", "out_of_range", "expires_at must be after scheduled_for, or it never starts.")
    return instant


def read_unique(reader: Reader) -> Unique | None:
    """Return what makes a job unique; None for nothing."""
    fields = reader.part("unique", _UNIQUE_FIELDS)
    if fields is None:
        return None
    ttl_ms = fields.integer("ttl_ms", 1, MAX_TTL_MS, 1) if fields.has("ttl_ms") else None
    until = Until(fields.choice("until", tuple(Until), Until.FINISHED))
    on_conflict = OnConflict(fields.choice("on_conflict", tuple(OnConflict), OnConflict.REJECT))
    return Unique(read_key(fields), until, ttl_ms, on_conflict)


def read_debounce(reader: Reader) -> Debounce | None:
    """Return how a job is debounced; None for not at all."""
    fields = reader.part("debounce", _DEBOUNCE_FIELDS)
    if fields is None:
        return None
    for other in ("unique", "scheduled_for"):
        if reader.has(other):
            detail = f"A debounced job has no {other}: its key is unique until it starts, and its delay says when."
            reader.refuse("debounce", "conflicting_fields", detail)
    if not fields.has("delay_ms"):
        fields.refuse("delay_ms", "required", "delay_ms is required.")
        return None
    delay_ms, max_wait_ms = fields.integer("delay_ms", 1, MAX_DELAY_MS, 1), None
    if fields.has("max_wait_ms"):
        max_wait_ms = fields.integer("max_wait_ms", 1, MAX_DELAY_MS, delay_ms)
        if max_wait_ms < delay_ms:
            fields.refuse("max_wait_ms", "out_of_range", "max_wait_ms must be at least delay_ms.")
    return Debounce(read_key(fields), delay_ms, max_wait_ms)


def read_key(fields: Reader) -> str:
    """Return the text of `key`."""
    key = fields.value("key")
    if key is None:
        fields.refuse("key", "required", "key is required.")
    elif not isinstance(key, str) or has_lone_surrogate(key):
        fields.refuse("key", "invalid_type", "key must be a string of Unicode characters.")
    elif not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        fields.refuse("key", "invalid_name", f"key has 1–{MAX_KEY} printable characters.")
    else:
        return key
    return ""

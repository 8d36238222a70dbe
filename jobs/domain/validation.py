"""From what a client sent to a `JobSpec`, with every problem reported at once.

A field that no built feature reads is `unknown_field`: it is never stored and ignored.
"""

from __future__ import annotations

from jobs.domain import naming
from jobs.domain.backoff import DEFAULT_BASE_MS, DEFAULT_MAX_MS, LIMIT_MS, Backoff, Jitter
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.job import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT_MS,
    MAX_DELAY_MS,
    MAX_RETRIES,
    MAX_TAG_NAME,
    MAX_TAG_VALUE,
    MAX_TAGS,
    MAX_TIMEOUT_MS,
    Delivery,
    JobSpec,
)
from jobs.domain.limit_key import RULE, is_limit_key
from jobs.domain.payload import MAX_DEPTH, MAX_PAYLOAD_BYTES, depth_of, encode_json, has_lone_surrogate
from jobs.domain.priority import Priority
from jobs.domain.quota import MAX_AGE_MS
from jobs.domain.reader import Reader, escape_pointer, parse_instant
from jobs.domain.target import InvalidTarget, read_target
from jobs.domain.unique_fields import read_debounce, read_expiry, read_unique

FIELDS = frozenset(
    {
        "kind",
        "payload",
        "queue",
        "priority",
        "max_retries",
        "timeout_ms",
        "scheduled_for",
        "metadata",
        "delivery",
        "backoff",
        "webhook",
        "expires_at",
        "unique",
        "debounce",
        "limit_key",
        "retention_ms",
    }
)


def parse_job(value: object, *, now_ms: int, pointer: str = "") -> JobSpec:
    """Return the job that a decoded JSON value asks for. Raises InvalidInput with all problems.

    `now_ms` (Unix ms) bounds how far ahead a job may be scheduled; `pointer` is where the value stands in the body.
    """
    if not isinstance(value, dict):
        raise InvalidInput([Problem(pointer, "invalid_type", "A job must be a JSON object.")])
    problems: list[Problem] = []
    reader = Reader(value, pointer, problems)
    reader.refuse_unknown(FIELDS)
    for field in ("kind", "queue"):
        if isinstance(value.get(field), str) and naming.is_reserved(value[field]):
            reader.refuse(field, "reserved_name", f"Names that begin with `{naming.RESERVED}` are IronForge's own.")
    scheduled_for = _scheduled_for(value, reader, now_ms)
    spec = JobSpec(
        kind=reader.name("kind", naming.is_kind, f"^{naming.KIND.pattern}$", None),
        payload=_payload(value, reader),
        queue=reader.name("queue", naming.is_queue, f"^{naming.QUEUE.pattern}$", naming.DEFAULT_QUEUE),
        priority=Priority(reader.choice("priority", tuple(Priority), Priority.MEDIUM)),
        max_retries=reader.integer("max_retries", 0, MAX_RETRIES, DEFAULT_MAX_RETRIES),
        timeout_ms=reader.integer("timeout_ms", 1, MAX_TIMEOUT_MS, DEFAULT_TIMEOUT_MS),
        scheduled_for=scheduled_for,
        metadata=read_metadata(value, reader),
        delivery=Delivery(reader.choice("delivery", tuple(Delivery), Delivery.AT_LEAST_ONCE)),
        backoff=_backoff(value, reader, pointer, problems),
        webhook=_webhook(value, reader),
        expires_at=read_expiry(reader, scheduled_for, now_ms),
        unique=read_unique(reader),
        debounce=read_debounce(reader),
        limit_key=_limit_key(value, reader),
        retention_ms=reader.integer("retention_ms", 1, MAX_AGE_MS, 1) if reader.has("retention_ms") else None,
    )
    if problems:
        raise InvalidInput(problems)
    return spec


def encode_payload(payload: object) -> bytes:
    """Return a payload as the bytes to keep. Raises InvalidInput at `/payload`."""
    problems: list[Problem] = []
    encoded = _payload({"payload": payload}, Reader({}, "", problems))
    if problems:
        raise InvalidInput(problems)
    return encoded


def _payload(source: dict[str, object], reader: Reader) -> bytes:
    payload = source.get("payload")
    if depth_of(payload) > MAX_DEPTH:
        reader.refuse("payload", "too_deep", f"payload nests deeper than {MAX_DEPTH} levels.")
        return b"null"
    try:
        encoded = encode_json(payload)
    except (TypeError, ValueError) as error:
        # Not from `read_json`: a face that reads bodies in another way can bring NaN or half of a surrogate pair.
        reader.refuse("payload", "invalid_value", f"payload cannot be written as JSON: {error}.")
        return b"null"
    if len(encoded) > MAX_PAYLOAD_BYTES:
        reader.refuse("payload", "too_large", f"payload is {len(encoded)} bytes; at most {MAX_PAYLOAD_BYTES} are kept.")
    return encoded


def _scheduled_for(source: dict[str, object], reader: Reader, now_ms: int) -> int | None:
    value = source.get("scheduled_for")
    if value is None:
        return None
    instant = parse_instant(value) if isinstance(value, str) else None
    if instant is None:
        detail = "scheduled_for must be an RFC 3339 date and time with an offset, such as 2026-01-17T10:30:00Z."
        reader.refuse("scheduled_for", "invalid_time", detail)
    elif instant < 0 or instant > now_ms + MAX_DELAY_MS:
        reader.refuse("scheduled_for", "out_of_range", "scheduled_for must be within the next 10 years.")
    return instant


def read_metadata(source: dict[str, object], reader: Reader) -> dict[str, str]:
    """Return the tags that stand in `metadata`."""
    value = source.get("metadata")
    if value is None:
        return {}
    if not isinstance(value, dict):
        reader.refuse("metadata", "invalid_type", "metadata must be an object of strings.")
        return {}
    if len(value) > MAX_TAGS:
        reader.refuse("metadata", "too_many", f"metadata holds at most {MAX_TAGS} tags.")
        return {}
    tags: dict[str, str] = {}
    for name, text in value.items():
        where = f"metadata/{escape_pointer(name)}"
        if not 1 <= len(name) <= MAX_TAG_NAME or not name.isprintable():
            reader.refuse("metadata", "invalid_name", f"A tag's name has 1–{MAX_TAG_NAME} printable characters.")
        elif not isinstance(text, str) or has_lone_surrogate(text):
            reader.refuse_at(where, "invalid_type", "A tag's value must be a string of Unicode characters.")
        elif len(text) > MAX_TAG_VALUE:
            reader.refuse_at(where, "too_large", f"A tag's value has at most {MAX_TAG_VALUE} characters.")
        else:
            tags[name] = text
    return tags


def _webhook(source: dict[str, object], reader: Reader) -> str | None:
    value = source.get("webhook")
    if value is None:
        return None
    if not isinstance(value, str):
        reader.refuse("webhook", "invalid_type", "webhook must be a URL.")
        return None
    try:
        read_target(value)
    except InvalidTarget as wrong:
        reader.refuse("webhook", "invalid_url", str(wrong))
    return value


def _limit_key(source: dict[str, object], reader: Reader) -> str | None:
    value = source.get("limit_key")
    if value is None:
        return None
    if not isinstance(value, str):
        reader.refuse("limit_key", "invalid_type", "limit_key must be a string.")
        return None
    if not is_limit_key(value):
        reader.refuse("limit_key", "invalid_name", f"limit_key must be {RULE}.")
    return value


def _backoff(source: dict[str, object], reader: Reader, pointer: str, problems: list[Problem]) -> Backoff:
    value = source.get("backoff")
    if value is None:
        return Backoff()
    if not isinstance(value, dict):
        reader.refuse("backoff", "invalid_type", "backoff must be an object.")
        return Backoff()
    inner = Reader(value, f"{pointer}/backoff", problems)
    inner.refuse_unknown(frozenset({"base_ms", "max_ms", "jitter"}))
    base_ms = inner.integer("base_ms", 1, LIMIT_MS, DEFAULT_BASE_MS)
    max_ms = inner.integer("max_ms", 1, LIMIT_MS, max(DEFAULT_MAX_MS, base_ms))
    if max_ms < base_ms:
        inner.refuse("max_ms", "out_of_range", "max_ms must be at least base_ms.")
    return Backoff(base_ms, max_ms, Jitter(inner.choice("jitter", tuple(Jitter), Jitter.NONE)))

"""Reads what `POST /bulk-operations` is sent, with every problem named."""

from __future__ import annotations

from jobs.domain import naming
from jobs.domain.bulk_operation import (
    ACTS_ON,
    MAX_CANARY,
    MAX_FACTOR,
    MAX_IDS,
    MAX_PACE_PER_S,
    MAX_WINDOW_MS,
    MIN_FACTOR,
    MIN_WINDOW_MS,
    BulkAction,
    BulkRequest,
    Canary,
    Ramp,
    Selection,
)
from jobs.domain.error_group import GROUP_ID, is_group_id
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.field_reader import FieldReader
from jobs.domain.payload_match import MAX_MATCHES, RULE, read_payload_match
from jobs.domain.priority import Priority
from jobs.domain.reader import parse_instant
from jobs.domain.status import Status
from jobs.domain.validation import read_metadata

MAX_ERROR_TYPE = 200
_MAX_REASON = 500
_KNOWN = frozenset(
    {"action", "ids", "filter", "dry_run", "pace_per_s", "canary", "reason", "priority", "queue"}
)  # fmt: skip
_TIMES = ("created_after", "created_before", "finished_after", "finished_before")
_FILTER = frozenset(
    {"status", "queue", "kind", "priority", "metadata", "error_type", "error", "error_group", "payload", *_TIMES}
)
_CANARY = frozenset({"first", "window_ms", "max_failure_rate"})
_RAMP = frozenset({"from_per_s", "factor", "every_ms"})
_PRIORITIES = tuple(str(level) for level in Priority)


def read_bulk_request(source: dict[str, object]) -> BulkRequest:
    """Return what a body asks for. Raises InvalidInput with all problems."""
    problems: list[Problem] = []
    reader = FieldReader(source, "", problems, _KNOWN)
    if "action" not in source:
        reader.refuse("action", "required", "action is required.")
    action = reader.choice("action", tuple(BulkAction), BulkAction.CANCEL) if "action" in source else BulkAction.CANCEL
    selection = _selection(source, reader, BulkAction(action))
    ids = None if selection is not None else tuple(_ids(reader))
    request = BulkRequest(
        action=BulkAction(action),
        ids=ids,
        selection=selection,
        priority=_priority(reader, action),
        queue=_queue(reader, action),
        is_dry_run=_flag(reader, "dry_run"),
        pace_per_s=reader.optional_integer("pace_per_s", 1, MAX_PACE_PER_S),
        canary=_canary(source, reader, action),
        reason=reader.text("reason", _MAX_REASON),
    )
    if problems:
        raise InvalidInput(problems)
    return request


def _ids(reader: FieldReader) -> list[str]:
    ids: list[str] = []
    for place, item in reader.items("ids", MAX_IDS, is_required=True):
        if isinstance(item, str):
            ids.append(item)
        else:
            reader.refuse_at(f"ids/{place}", "invalid_type", "An id is a string.")
    return ids


def _selection(source: dict[str, object], reader: FieldReader, action: BulkAction) -> Selection | None:
    value = source.get("filter")
    if value is None:
        return None
    if reader.has("ids"):
        reader.refuse("filter", "contradiction", "Give ids or a filter, not both.")
    if not isinstance(value, dict):
        reader.refuse("filter", "invalid_type", "filter must be an object; {} means all jobs.")
        return Selection()
    inner = reader.inner("filter", value, _FILTER)
    statuses = tuple(str(status) for status in Status if status in ACTS_ON[action])
    status = inner.choice("status", statuses, statuses[0]) if inner.has("status") else ""
    priority = inner.choice("priority", _PRIORITIES, "medium") if inner.has("priority") else ""
    queue = inner.name("queue", naming.is_queue, naming.QUEUE.pattern, None) if inner.has("queue") else ""
    metadata = read_metadata(value, inner)
    if any("\0" in text for text in metadata.values()):
        # PostgreSQL keeps no such text, and the operation would be lost.
        inner.refuse("metadata", "invalid_text", "A tag's value that is searched for holds no NUL.")
    kind = inner.name("kind", naming.is_kind, naming.KIND.pattern, None) if inner.has("kind") else ""
    group = inner.name("error_group", is_group_id, GROUP_ID.pattern, None) if inner.has("error_group") else ""
    return Selection(
        status=Status(status) if status else None,
        queue=queue or None,
        kind=kind or None,
        priority=Priority(priority) if priority else None,
        metadata=metadata,
        error_type=inner.text("error_type", MAX_ERROR_TYPE) or None,
        error=inner.text("error", MAX_ERROR_TYPE) or None,
        payload=_matches(inner),
        error_group=group or None,
        **{name: _time(inner, name) for name in _TIMES},
    )


def _matches(reader: FieldReader) -> tuple[str, ...]:
    found: list[str] = []
    for place, item in reader.items("payload", MAX_MATCHES, is_required=False):
        if isinstance(item, str) and read_payload_match(item) is not None:
            found.append(item)
        else:
            reader.refuse_at(f"payload/{place}", "invalid_match", f"A condition on payloads {RULE}.")
    return tuple(found)


def _time(reader: FieldReader, name: str) -> int | None:
    text = reader.text(name, 64)
    if not text:
        return None
    instant = parse_instant(text)
    if instant is None:
        detail = f"{name} must be an RFC 3339 date and time with an offset, such as 2026-01-17T10:30:00Z."
        reader.refuse(name, "invalid_time", detail)
    return instant


def _priority(reader: FieldReader, action: str) -> Priority | None:
    if action != BulkAction.REPRIORITISE:
        _refuse(reader, "priority", "only reprioritise takes one")
        return None
    if not reader.has("priority"):
        reader.refuse("priority", "required", "priority is required.")
        return None
    return Priority(reader.choice("priority", _PRIORITIES, "medium"))


def _queue(reader: FieldReader, action: str) -> str | None:
    if action != BulkAction.MOVE:
        _refuse(reader, "queue", "only move takes one")
        return None
    return read_target(reader)


def read_target(reader: FieldReader) -> str:
    """Return the queue to which jobs are moved, '' for one that was refused."""
    queue = reader.name("queue", naming.is_queue, naming.QUEUE.pattern, None)
    if naming.is_reserved(queue):
        reader.refuse("queue", "reserved_name", f"Names that begin with `{naming.RESERVED}` are IronForge's own.")
    return queue


def _refuse(reader: FieldReader, field: str, why: str) -> None:
    if reader.has(field):
        reader.refuse(field, "not_allowed", f"{field} has no meaning here: {why}.")


def _canary(source: dict[str, object], reader: FieldReader, action: str) -> Canary | None:
    value = source.get("canary")
    if value is None:
        return None
    if action != BulkAction.RETRY:
        _refuse(reader, "canary", "only jobs that are re-injected run and can be watched")
        return None
    if not isinstance(value, dict):
        reader.refuse("canary", "invalid_type", "canary must be an object.")
        return None
    inner = reader.inner("canary", value, _CANARY | {"ramp"})
    _require_all(inner, value, _CANARY)
    rate = _number(inner, value, "max_failure_rate", 0, 1)
    first, window_ms = inner.integer("first", 1, MAX_CANARY, 1), MIN_WINDOW_MS
    if "window_ms" in value:
        window_ms = inner.integer("window_ms", MIN_WINDOW_MS, MAX_WINDOW_MS, MIN_WINDOW_MS)
    return Canary(first, window_ms, rate, _ramp(value, inner, source.get("pace_per_s")))


def _ramp(canary: dict[str, object], reader: FieldReader, pace_per_s: object) -> Ramp | None:
    value = canary.get("ramp")
    if value is None:
        return None
    if not isinstance(value, dict):
        reader.refuse("ramp", "invalid_type", "ramp must be an object.")
        return None
    inner = reader.inner("ramp", value, _RAMP)
    _require_all(inner, value, _RAMP)
    factor = _number(inner, value, "factor", MIN_FACTOR, MAX_FACTOR)
    from_per_s = inner.integer("from_per_s", 1, MAX_PACE_PER_S, 1)
    if isinstance(pace_per_s, int) and from_per_s >= pace_per_s > 0:
        inner.refuse("from_per_s", "out_of_range", "from_per_s must be below pace_per_s, to which the pace grows.")
    every_ms = MIN_WINDOW_MS
    if "every_ms" in value:
        every_ms = inner.integer("every_ms", MIN_WINDOW_MS, MAX_WINDOW_MS, MIN_WINDOW_MS)
    return Ramp(from_per_s, factor, every_ms)


def _require_all(reader: FieldReader, source: dict[str, object], names: frozenset[str]) -> None:
    for name in sorted(names - source.keys()):
        reader.refuse(name, "required", f"{name} is required.")


def _number(reader: FieldReader, source: dict[str, object], name: str, low: float, high: float) -> float:
    value = source.get(name, low)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        reader.refuse(name, "out_of_range", f"{name} must be a number, {low:g}–{high:g}.")
        return low
    return float(value)


def _flag(reader: FieldReader, name: str) -> bool:
    value = reader.value(name)
    if value is not None and not isinstance(value, bool):
        reader.refuse(name, "invalid_type", f"{name} must be true or false.")
    return value is True

"""Bulk operations: what is asked for, how far one is, and the acts on them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NotRequired, TypedDict
from urllib.parse import quote

from ironforge_client.errors import WaitTimeout
from ironforge_client.exchange import JSON_TYPE, Act, Pause, Request, Retrying, encode, exchange
from ironforge_client.jobs import Job, read_job

_LOOK_EVERY_S = 0.5
# Nothing happens to an operation in these until somebody wants it.
AT_REST = ("completed", "aborted", "stopped", "paused", "previewed")


class BulkFilter(TypedDict, total=False):
    """What all jobs must have. Texts match whole; times are inclusive."""

    status: str
    queue: str
    kind: str
    priority: str
    metadata: Mapping[str, str]
    error_type: str
    error: str
    payload: Sequence[str]
    error_group: str
    created_after: datetime
    created_before: datetime
    finished_after: datetime
    finished_before: datetime


class Ramp(TypedDict):
    """The pace begins at `from_per_s` jobs a second and grows by `factor` each `every_ms`."""

    from_per_s: int
    factor: float
    every_ms: int


class Canary(TypedDict):
    """So many jobs first; too many that fail within the window stop the rest. `max_failure_rate` is 0–1."""

    first: int
    window_ms: int
    max_failure_rate: float
    ramp: NotRequired[Ramp]


class BulkFields(TypedDict, total=False):
    """What an operation is asked to be: `ids` or `filter`, and what its action needs."""

    ids: Sequence[str]
    filter: BulkFilter
    priority: str
    queue: str
    dry_run: bool
    pace_per_s: int | None
    canary: Canary | None
    reason: str


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """How far an operation is. `total` grows while it is `matching`; `counts` has (queue, kind, number)."""

    id: str
    action: str
    status: str
    total: int | None
    taken: int
    done: int
    skipped: int
    failed: int
    counts: tuple[tuple[str, str, int], ...]
    stop_reason: str | None
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def is_at_rest(self) -> bool:
        """Tell whether it has ended, or waits for somebody."""
        return self.status in AT_REST


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What became of one job: its `code` as docs/bulk-operations.md has it, and its status then."""

    job_id: str
    code: str
    status: str | None


def start_bulk(action: str, fields: BulkFields, retrying: Retrying) -> Act[BulkOperation]:
    """Begin an operation. It is not sent again after an answer that was lost: the list says whether it was begun."""
    body: dict[str, Any] = {"action": action, **fields}
    if "filter" in fields:
        body["filter"] = {name: _value(value) for name, value in fields["filter"].items()}
    answer = yield from exchange(_post("/bulk-operations", body), retrying)
    return _read(answer.document())


def look_at_bulk(operation_id: str, retrying: Retrying) -> Act[BulkOperation]:
    """Look how far an operation is."""
    answer = yield from exchange(Request("GET", _path(operation_id), is_repeatable=True), retrying)
    return _read(answer.document())


def wait_for_bulk(operation_id: str, timeout_s: float, retrying: Retrying) -> Act[BulkOperation]:
    """Wait until an operation has ended, or waits for somebody. Raises WaitTimeout."""
    give_up_at = time.monotonic() + timeout_s
    while True:
        seen = yield from look_at_bulk(operation_id, retrying)
        if seen.is_at_rest:
            return seen
        left_s = give_up_at - time.monotonic()
        if left_s <= 0:
            raise WaitTimeout(f"operation {operation_id} is {seen.status} after {timeout_s} s", None)
        yield Pause(min(left_s, _LOOK_EVERY_S))


def steer_bulk(operation_id: str, verb: str, reason: str, retrying: Retrying) -> Act[BulkOperation]:
    """`abort`, `pause` or `resume` an operation."""
    answer = yield from exchange(_post(_path(operation_id, verb), {"reason": reason}), retrying)
    return _read(answer.document())


def list_bulk(cursor: str | None, retrying: Retrying) -> Act[tuple[tuple[BulkOperation, ...], str | None]]:
    """Return a page of operations, newest first, and the cursor of the next."""
    query = (("cursor", cursor),) if cursor else ()
    answer = yield from exchange(Request("GET", "/bulk-operations", query, is_repeatable=True), retrying)
    document = answer.document()
    return tuple(map(_read, document["data"])), document["page"]["next"]


def bulk_outcomes(
    operation_id: str, cursor: str | None, retrying: Retrying, *, only_undone: bool
) -> Act[tuple[tuple[BulkOutcome, ...], str | None]]:
    """Return a page of outcomes, and the cursor of the next."""
    given = {"limit": "200", "undone": "true" if only_undone else "", "cursor": cursor or ""}
    query = [(name, value) for name, value in given.items() if value]
    request = Request("GET", _path(operation_id, "outcomes"), tuple(query), is_repeatable=True)
    document = (yield from exchange(request, retrying)).document()
    outcomes = tuple(BulkOutcome(item["id"], item["code"], item["status"]) for item in document["data"])
    return outcomes, document["page"]["next"]


def place_job(job_id: str, verb: str, fields: Mapping[str, str], retrying: Retrying) -> Act[Job]:
    """`move` or `reprioritise` a job that waits. Doing it twice is doing it once."""
    if not job_id:
        raise ValueError("a job's id is not empty")
    request = replace(_post(f"/jobs/{quote(job_id, safe='')}/{verb}", fields), is_repeatable=True)
    answer = yield from exchange(request, retrying)
    return read_job(answer.document())


def _read(document: Mapping[str, Any]) -> BulkOperation:
    return BulkOperation(
        id=document["id"],
        action=document["action"],
        status=document["status"],
        total=document["total"],
        taken=document["taken"],
        done=document["done"],
        skipped=document["skipped"],
        failed=document["failed"],
        counts=tuple((row["queue"], row["kind"], row["count"]) for row in document["counts"]),
        stop_reason=document["stop_reason"],
        document=document,
    )


def _value(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _path(operation_id: str, *more: str) -> str:
    if not operation_id:
        raise ValueError("an operation's id is not empty")
    return "/".join(("/bulk-operations", quote(operation_id, safe=""), *more))


def _post(path: str, body: Mapping[str, object]) -> Request:
    return Request("POST", path, body=encode(body), headers={"Content-Type": JSON_TYPE})

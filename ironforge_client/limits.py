"""Limits of kinds, of queues and of keys of a kind, and what can be asked about them, each once for both clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict
from urllib.parse import quote

from ironforge_client.exchange import JSON_TYPE, Act, Request, Retrying, encode, exchange
from ironforge_client.jobs import maybe_time

# What a limit goes by, and where it is found.
_LISTS = {"kind": "kinds", "queue": "queues", "key": "keys"}
CIRCUIT_STATES = ("open", "closed")


class LimitFields(TypedDict, total=False):
    """What limits: at least one of the first four. Only kinds have `circuit` and `retry_budget`, only keys a `path`."""

    concurrency: int | None
    rate: Mapping[str, int] | None  # {starts, period_ms, burst}
    circuit: Mapping[str, int] | None  # {percent, least, window_ms, cool_down_ms, max_cool_down_ms, probes}
    retry_budget: Mapping[str, int] | None  # {percent, per_minute, window_ms}
    path: str | None  # where payloads have the key
    reason: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit and how full it is. `by` is kind, queue or key; `held` jobs are queued and held back by it.

    `circuit` and `retry_budget` have the rule and its state. By its rate `starts_left` may start now, None: it has no
    rate, and the next one at `next_at`, None: now. `holders` are the jobs that have run longest, none in a list.
    """

    by: str
    name: str
    concurrency: int | None
    rate: Mapping[str, int] | None
    running: int
    held: int
    held_keys: int
    path: str | None
    key: str | None
    next_at: datetime | None
    circuit: Mapping[str, Any] | None
    retry_budget: Mapping[str, Any] | None
    starts_left: int | None
    holders: tuple[str, ...]
    set_by: str
    document: Mapping[str, Any] = field(repr=False, compare=False)


def limits(retrying: Retrying) -> Act[tuple[Limit, ...]]:
    """Return all limits."""
    answer = yield from exchange(Request("GET", "/limits", is_repeatable=True), retrying)
    return tuple(map(read_limit, answer.document()["data"]))


def limit(name: str, by: str, key: str | None, retrying: Retrying) -> Act[Limit]:
    """Return one limit; of keys, as one of them has used it if it is named."""
    query = () if key is None else (("key", key),)
    answer = yield from exchange(Request("GET", _path(by, name), query, is_repeatable=True), retrying)
    return answer.read(read_limit)


def set_limit(name: str, by: str, fields: LimitFields, retrying: Retrying) -> Act[Limit]:
    """Limit something in place of what limited it before. Doing it twice is doing it once."""
    answer = yield from exchange(_sent("PUT", _path(by, name), fields, is_repeatable=True), retrying)
    return answer.read(read_limit)


def drop_limit(name: str, by: str, reason: str, retrying: Retrying) -> Act[None]:
    """End the limits of something."""
    yield from exchange(_sent("DELETE", _path(by, name), {"reason": reason}), retrying)


def turn_circuit(kind: str, state: str, reason: str, retrying: Retrying) -> Act[Limit]:
    """Open the circuit of a kind, or close it. Doing it twice is doing it once."""
    if state not in CIRCUIT_STATES:
        raise ValueError(f"a circuit is turned {' or '.join(CIRCUIT_STATES)}, not {state!r}")
    request = _sent("PUT", f"{_path('kind', kind)}/circuit", {"state": state, "reason": reason}, is_repeatable=True)
    return (yield from exchange(request, retrying)).read(read_limit)


def read_limit(document: Mapping[str, Any]) -> Limit:
    """Return the limit of an answer."""
    return Limit(
        by=document["by"],
        name=document["name"],
        concurrency=document["concurrency"],
        rate=document["rate"],
        running=document["running"],
        held=document["held"],
        held_keys=document["held_keys"],
        path=document["path"],
        key=document["key"],
        next_at=maybe_time(document["next_at"]),
        circuit=document["circuit"],
        retry_budget=document["retry_budget"],
        starts_left=document["starts_left"],
        holders=tuple(holder["job_id"] for holder in document["holders"]),
        set_by=document["set_by"],
        document=document,
    )


def _path(by: str, name: str) -> str:
    if by not in _LISTS:
        raise ValueError(f"a limit is by {', '.join(_LISTS)}, not {by!r}")
    if not name:
        raise ValueError("a name is not empty")
    return f"/limits/{_LISTS[by]}/{quote(name, safe='')}"


def _sent(method: str, path: str, body: Mapping[str, Any], *, is_repeatable: bool = False) -> Request:
    return Request(method, path, body=encode(body), headers={"Content-Type": JSON_TYPE}, is_repeatable=is_repeatable)

"""Decodes the overview: queues with their counts, minutes, totals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from jobs.backends.overview import Overview
from jobs.backends.redis.circuits import states_of
from jobs.backends.redis.codec import pairs, text_of
from jobs.domain.priority import BY_RANK, Priority
from jobs.domain.queue import Minute, Pause, QueueStats
from jobs.domain.status import Status

Counts = dict[str, dict[Status, dict[Priority, int]]]

# In the order of include/queue_counts.lua; a test compares them.
COUNTED = tuple(Status)
_MILLISECOND_SUMS = ("dur_sum:", "wait_sum")
_BOOKKEEPING = ("kind:", "kinds")
_HISTOGRAMS = ("dur_le:", "wait_le:", "queue_wait:", "queue_run:", "kind_wait:")


def decode_overview(reply: Sequence[Any], wanted_minutes: int) -> Overview:
    """Return the overview of overview.lua's reply, which holds at least two minutes; the newest are wanted."""
    now, known, paused, counts, totals, history, circuits, details = reply
    minutes = [(int(minute), {text_of(k): int(v) for k, v in pairs(fields)}) for minute, fields in pairs(history)]
    # The running minute is not over; rates are those of the one before.
    last_full = minutes[-2][1]
    pauses = {text_of(name): _pause(packed) for name, packed in pairs(paused)}
    by_queue = _counts(counts)
    queues = []
    for raw_name, oldest_us in sorted(map(tuple, pairs(known))):
        name = text_of(raw_name)
        stats = QueueStats(
            name=name,
            counts=by_queue.get(name, {}),
            oldest_ready_at=int(oldest_us) // 1000 or None,
            pause=pauses.get(name),
            submitted_per_minute=last_full.get(f"in:{name}", 0),
            finished_per_minute=last_full.get(f"out:{name}", 0),
        )
        queues.append(stats)
    shown = tuple(_minute(at, fields) for at, fields in minutes[len(minutes) - wanted_minutes :])
    return Overview(int(now), tuple(queues), shown, _totals([*totals, *details]), states_of(circuits, int(now)))


def decode_queue(reply: Sequence[Any], name: str) -> tuple[int, QueueStats | None]:
    """Return the clock and the queue of queue.lua's reply; None for an unknown one."""
    now, is_known, oldest_us, pause, numbers, submitted, finished = reply
    if not is_known:
        return int(now), None
    counts: dict[Status, dict[Priority, int]] = {}
    fields = ((status, priority) for status in COUNTED for priority in BY_RANK)
    for (status, priority), number in zip(fields, numbers, strict=True):
        if number is not None:
            counts.setdefault(status, {})[priority] = int(number)
    stats = QueueStats(
        name=name,
        counts=counts,
        oldest_ready_at=int(oldest_us) // 1000 or None,
        pause=_pause(pause) if pause is not None else None,
        submitted_per_minute=int(submitted or 0),
        finished_per_minute=int(finished or 0),
    )
    return int(now), stats


def _counts(flat: Sequence[bytes]) -> Counts:
    counts: Counts = {}
    for field, number in pairs(flat):
        queue, _, rest = text_of(field).partition("|")
        status, _, rank = rest.partition("|")
        if rank and int(number):
            counts.setdefault(queue, {}).setdefault(Status(status), {})[BY_RANK[int(rank)]] = int(number)
    return counts


def _totals(flat: Sequence[bytes]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for field, number in pairs(flat):
        name = text_of(field)
        if name.startswith(_BOOKKEEPING):
            continue
        value = float(number)
        totals[_in_seconds(name)] = value / 1000 if name.startswith(_MILLISECOND_SUMS) else value
    return totals


def _in_seconds(name: str) -> str:
    """Rename a bucket from the store's milliseconds to seconds: `wait_le:250` → `wait_le:0.25`."""
    if not name.startswith(_HISTOGRAMS) or name.endswith(":inf"):
        return name
    stem, _, edge = name.rpartition(":")
    return f"{stem}:{int(edge) / 1000:g}"


def _pause(packed: bytes) -> Pause:
    by, reason, at = msgspec.msgpack.decode(packed, type=tuple[str, str, float])
    return Pause(by, reason, int(at))


def _minute(minute: int, fields: dict[str, int]) -> Minute:
    names = ("submitted", "completed", "failed", "dead", "retried", "dead_unfailed")
    counted = {name: fields.get(name, 0) for name in names}
    return msgspec.structs.replace(Minute(minute * 60_000, flows=_flows(fields)), **counted)


def _flows(fields: dict[str, int]) -> dict[str, tuple[int, int]]:
    flows: dict[str, tuple[int, int]] = {}
    for field, number in fields.items():
        way, _, queue = field.partition(":")
        if queue:
            coming, gone = flows.get(queue, (0, 0))
            flows[queue] = (coming + number, gone) if way == "in" else (coming, gone + number)
    return flows

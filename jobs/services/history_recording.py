"""Writes down what namespaces did, once a minute, so that charts reach further back than the store remembers.

Any number of processes may try: the one that moves the clock's row on does the minute. If it dies, that of the next
minute finds by each namespace's own row how far that was written down, and reads what is missing from the store, which
keeps its minutes for 26 hours.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
from django.db import transaction
from django.db.models import Min

from jobs import wiring
from jobs.access.history import HOUR_S, MINUTE_S, HistoryClock, HistoryPoint, HistoryReading
from jobs.access.models import Namespace
from jobs.backends.base import Inspector
from jobs.backends.overview import Overview
from jobs.domain.history import Moment, add_readings, add_standing, bounded, merge, of_minute
from jobs.domain.queue import Minute
from jobs.services.apart import answers_apart
from jobs.telemetry.logs import get_logger, log_event

MINUTES_KEPT_S = 72 * HOUR_S
HOURS_KEPT_S = 90 * 24 * HOUR_S
# So many namespaces are read in one round trip, and so many minutes of one that was not read for long.
_AT_ONCE = 50
_MOST_MINUTES = 360
_MOST_FORGOTTEN = 1_000
_IDLE_MINUTES = 10
# An hour is added up when its last minutes are surely there, or will not come.
_SETTLED_S = HOUR_S
_log = get_logger("server")
_decode = msgspec.json.Decoder(Moment).decode
_decode_totals = msgspec.json.Decoder(dict[str, float]).decode


def record_minute(wall: Callable[[], float] = time.time) -> bool:
    """Write down the minutes that are over, if nobody has; True when this process did. Raises BackendUnavailable."""
    minute = _floor(int(wall()), MINUTE_S)
    clock, _ = HistoryClock.objects.get_or_create(pk=1)
    # A clock far ahead of all others must not keep the rest from writing: going back is moving on as well.
    is_ahead = clock.minute > minute + HOUR_S
    if clock.minute >= minute and not is_ahead:
        return False
    if not HistoryClock.objects.filter(pk=1, minute=clock.minute).update(minute=minute):
        return False
    names = list(Namespace.objects.filter(deleted_at__isnull=True).order_by("name").values_list("name", flat=True))
    for start in range(0, len(names), _AT_ONCE):
        _record(names[start : start + _AT_ONCE], minute)
    return True


def seconds_late(now_s: float) -> float | None:
    """Return for how long the last minute that is over has not been begun by anybody; None where none ever was."""
    minute = HistoryClock.objects.filter(pk=1).values_list("minute", flat=True).first()
    return max(0.0, now_s - minute - MINUTE_S) if minute else None


def roll_up(now_s: int) -> bool:
    """Add up one hour's minutes, if one is due; True when it was. Forgets what is too old."""
    clock, _ = HistoryClock.objects.get_or_create(pk=1)
    hour = _first_hour(clock.hour)
    if hour is None or hour + HOUR_S + _SETTLED_S > now_s:
        return False
    # Of many namespaces this takes seconds, and nobody changes those minutes any more: nobody else has to wait for it.
    points = list(_hours(hour))
    with transaction.atomic():
        if not HistoryClock.objects.filter(pk=1, hour=clock.hour).update(hour=hour + HOUR_S):
            return False
        HistoryPoint.objects.bulk_create(points, ignore_conflicts=True, batch_size=200)
    _forget(MINUTE_S, now_s - MINUTES_KEPT_S)
    _forget(HOUR_S, now_s - HOURS_KEPT_S)
    return True


def _forget(step_s: int, before_s: int) -> None:
    """Remove old points, some at a time: others may write in between."""
    old = HistoryPoint.objects.filter(step_s=step_s, at__lt=before_s)
    while some := list(old.values_list("pk", flat=True)[:_MOST_FORGOTTEN]):
        HistoryPoint.objects.filter(pk__in=some).delete()


def _record(names: Sequence[str], minute: int) -> None:
    readings = {row.namespace: row for row in HistoryReading.objects.filter(namespace__in=names)}
    inspectors: list[Inspector] = [wiring.backend().inspector(name) for name in names]
    calls = [
        inspector.overview(_minutes_since(readings.get(name), minute), with_details=True)
        for name, inspector in zip(names, inspectors, strict=True)
    ]
    for name, overview in zip(names, answers_apart(calls), strict=True):
        if isinstance(overview, Exception):
            log_event(_log, "history.unread", level=logging.ERROR, exception=overview, namespace=name)
            continue
        _write(name, readings.get(name), overview)


def _minutes_since(reading: HistoryReading | None, minute: int) -> int:
    """Return how many of the store's minutes to ask for, the running one among them."""
    missing = (minute - reading.at) // MINUTE_S if reading else 1
    return min(max(missing, 1), _MOST_MINUTES) + 2


def _write(name: str, reading: HistoryReading | None, overview: Overview) -> None:
    """Write down what is over and not written yet, and move the namespace's row on, both or neither."""
    full = [minute for minute in overview.minutes[:-1] if reading is None or minute.at // 1000 >= reading.at]
    if not full:
        return
    before = _decode_totals(reading.totals) if reading else overview.totals
    points = _points(name, full, overview, before)
    if not points and reading is not None and len(full) < _IDLE_MINUTES:
        # Nothing happened since: an idle namespace costs a write now and then.
        return
    after = {"at": full[-1].at // 1000 + MINUTE_S, "totals": msgspec.json.encode(overview.totals).decode()}
    with transaction.atomic():
        if reading is None:
            _, is_mine = HistoryReading.objects.get_or_create(namespace=name, defaults=after)
        else:
            is_mine = bool(HistoryReading.objects.filter(pk=reading.pk, at=reading.at).update(**after))
        if is_mine:
            HistoryPoint.objects.bulk_create(points, batch_size=200)


def _points(name: str, full: Sequence[Minute], overview: Overview, before: dict[str, float]) -> list[HistoryPoint]:
    moments = [(minute.at // 1000, of_minute(minute)) for minute in full]
    newest = moments[-1][1]
    # What was counted since the last reading, and what stands there now, belongs to the newest minute.
    add_readings(newest, before, overview.totals)
    add_standing(newest, overview.queues, overview.server_time)
    return [_point(name, MINUTE_S, at, moment) for at, moment in moments if not moment.is_still()]


def _point(name: str, step_s: int, at: int, moment: Moment) -> HistoryPoint:
    text = msgspec.json.encode(bounded(moment)).decode()
    return HistoryPoint(namespace=name, step_s=step_s, at=at, moment=text)


def _first_hour(hour: int) -> int | None:
    """Return the first hour from `hour` on that has minutes, None where none has."""
    oldest = HistoryPoint.objects.filter(step_s=MINUTE_S, at__gte=hour).aggregate(Min("at"))["at__min"]
    return None if oldest is None else _floor(oldest, HOUR_S)


def _hours(hour: int) -> Iterable[HistoryPoint]:
    rows = HistoryPoint.objects.filter(step_s=MINUTE_S, at__gte=hour, at__lt=hour + HOUR_S).order_by("namespace", "at")
    sums: dict[str, Moment] = {}
    for row in rows.iterator():
        merge(sums.setdefault(row.namespace, Moment()), _decode(row.moment))
    return [_point(name, HOUR_S, hour, moment) for name, moment in sums.items()]


def _floor(at: int, step_s: int) -> int:
    return at - at % step_s

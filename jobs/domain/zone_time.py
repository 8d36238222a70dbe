"""From the wall clock of a zone to instants, where the wall clock jumps.

The rule, for people: docs/schedules.md. Where the clock is set forward, what would run at a fixed time in the gap runs
at the first instant after it. Where it is set back, fixed times run once, the first time; expressions with a star in
minute or hour run in each real minute that they name, so twice there and not at all in a gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from jobs.domain.cron import Cron

# Beyond this nothing is looked for: what does not fire in five years never does.
HORIZON = timedelta(days=5 * 366)
# No zone changes its clock twice in so short a time.
_STRIDE = timedelta(hours=6)
_ZONE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+\-/]{0,63}")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Tell whether `name` is a zone of the IANA database, such as `Europe/Paris`."""
    return _ZONE_NAME.fullmatch(name) is not None and name in _zones()


@lru_cache(maxsize=512)
def zone_of(name: str) -> ZoneInfo:
    """Return a zone that `is_zone` accepts."""
    return ZoneInfo(name)


def instants_after(cron: Cron, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield the instants (UTC, whole minutes) at which it fires after `after`, rising, each once.

    It ends where the next would be more than HORIZON after the one before.
    """
    found = _fixed(cron, zone, after) if cron.is_fixed else _repeated(cron, zone, after)
    last = after
    for instant in found:
        if instant - last > HORIZON:
            return
        if instant > last:
            yield instant
            last = instant


def is_in_gap(zone: ZoneInfo, wall: datetime) -> bool:
    """Tell whether no clock of the zone ever shows this time (naive)."""
    return _wall_of(wall.replace(tzinfo=zone).astimezone(UTC), zone) != wall


def is_repeated(zone: ZoneInfo, wall: datetime) -> bool:
    """Tell whether the clocks of the zone show this time (naive) twice."""
    first, second = (_instant(wall, zone, fold) for fold in (0, 1))
    return first < second


def _fixed(cron: Cron, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    for wall in _walls(cron, _wall_of(after, zone)):
        yield _end_of_gap(wall, zone) if is_in_gap(zone, wall) else _instant(wall, zone, 0)


def _repeated(cron: Cron, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    since, include_start = after, False
    while True:
        offset = _offset(since, zone)
        change = None
        steady_until = since
        wall = _wall_of(since, zone)
        for found in _walls(cron, wall - timedelta(minutes=1) if include_start else wall):
            instant = (found - offset).replace(tzinfo=UTC)
            while change is None and steady_until < instant:
                change = _change_between(steady_until, steady_until + _STRIDE, zone)
                steady_until += _STRIDE
            if change is not None and change <= instant:
                break
            yield instant
        if change is None:
            return
        since, include_start = change, True


def _walls(cron: Cron, wall: datetime) -> Iterator[datetime]:
    """Yield wall-clock minutes after `wall` as long as none is further from the last than HORIZON, and a day."""
    last = wall
    for found in cron.walls_after(wall):
        if found - last > HORIZON + timedelta(days=1):
            return
        yield found
        last = found


def _wall_of(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _instant(wall: datetime, zone: ZoneInfo, fold: int) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant after the gap in which a wall-clock time lies."""
    # In a gap fold 1 reckons with the offset after it, so with an instant before it, and fold 0 the other way round.
    change = _change_between(_instant(wall, zone, 1), _instant(wall, zone, 0), zone)
    return change if change is not None else _instant(wall, zone, 0)


def _change_between(start: datetime, end: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the instant after `start` and up to `end` at which the offset becomes another; None for none."""
    before = _offset(start, zone)
    if _offset(end, zone) == before:
        return None
    while end - start > timedelta(seconds=1):
        middle = start + timedelta(seconds=(end - start) // timedelta(seconds=2))
        if _offset(middle, zone) == before:
            start = middle
        else:
            end = middle
    return end

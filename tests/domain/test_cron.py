"""Cron expressions in zones: every instant against a walk through all minutes, and the place of every mistake."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, takewhile
from zoneinfo import available_timezones

import pytest
from cronsim import CronSim
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.domain.cron import Cron, CronFault
from jobs.domain.zone_time import instants_after, zone_of

MINUTE = timedelta(minutes=1)
EXPRESSIONS = (
    "30 2 * * *",
    "0,15,30,45 2 * * *",
    "*/15 * * * *",
    "*/20 1-3 * * *",
    "0 */2 * * *",
    "30 * * * *",
    "0 0 * * *",
    "5 0-3 * * 1-5",
    "17 23 L * *",
    "45 1 * * SUN#5",
)
# Where clocks were set in ways of their own: half an hour, at midnight, a whole day, for Ramadan, or never.
DAYS = (
    ("Europe/London", "2026-03-29"),
    ("Europe/London", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Pacific/Apia", "2011-12-30"),
    ("Asia/Kathmandu", "2026-03-29"),
    ("Africa/Casablanca", "2026-02-15"),
    ("Africa/Casablanca", "2026-03-22"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("Asia/Beirut", "2026-03-29"),
)


def walked(text: str, zone_name: str, start: datetime, end: datetime) -> list[datetime]:
    """Return the instants after `start` up to `end`, minute by minute, by the rule as it is written for people."""
    zone, names = zone_of(zone_name), Minutes(text)
    found = []
    instant = start
    while instant < end:
        before = instant.astimezone(zone).replace(tzinfo=None)
        instant += MINUTE
        local = instant.astimezone(zone)
        wall = local.replace(tzinfo=None, fold=0)
        if names.is_fixed:
            skipped = (before + MINUTE * n for n in range(1, max(0, (wall - before) // MINUTE)))
            is_due = (local.fold == 0 and wall in names) or any(missed in names for missed in skipped)
        else:
            is_due = wall in names
        if is_due:
            found.append(instant)
    return found


class Minutes:
    """The wall-clock minutes that an expression names, asked one by one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._named: dict[date, set[datetime]] = {}
        self.is_fixed = not any(field.startswith("*") for field in text.split()[:2])

    def __contains__(self, wall: datetime) -> bool:
        day = wall.date()
        if day not in self._named:
            begin = datetime.combine(day, time())
            named = takewhile(lambda it: it.date() == day, CronSim(self._text, begin - MINUTE))
            self._named[day] = set(named)
        return wall in self._named[day]


def fired(text: str, zone_name: str, start: datetime, end: datetime) -> list[datetime]:
    return list(takewhile(lambda instant: instant <= end, instants_after(Cron(text), zone_of(zone_name), start)))


def agrees(text: str, zone_name: str, start: datetime, hours: int) -> None:
    end = start + timedelta(hours=hours)
    assert fired(text, zone_name, start, end) == walked(text, zone_name, start, end), (text, zone_name, start)


@pytest.mark.parametrize(("zone_name", "day"), DAYS)
def test_every_instant_around_a_change_of_clocks_is_that_of_the_walk(zone_name: str, day: str) -> None:
    noon_before = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=UTC) - timedelta(hours=18)
    for text in EXPRESSIONS:
        agrees(text, zone_name, noon_before, 54)


@st.composite
def field(draw: st.DrawFn, low: int, high: int) -> str:
    one = st.integers(low, high)
    first, last = sorted((draw(one), draw(one)))
    step = draw(st.integers(1, 9))
    return draw(st.sampled_from(["*", f"*/{step}", str(first), f"{first},{last}", f"{first}-{last}/{step}"]))


cron_texts = st.builds(
    "{} {} {} {} {}".format, field(0, 59), field(0, 23), st.just("*") | field(1, 28), st.just("*"), field(0, 6)
)
zones = st.sampled_from(sorted({name for name, _ in DAYS}))
starts = st.integers(0, 20 * 365 * 24).map(lambda hours: datetime(2007, 1, 1, tzinfo=UTC) + timedelta(hours=hours))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cron_texts, zones, starts)
def test_any_expression_fires_as_the_walk_does(text: str, zone_name: str, start: datetime) -> None:
    agrees(text, zone_name, start, 24)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_in_every_zone_each_change_of_ten_years_is_that_of_the_walk() -> None:
    days = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(3654)]
    # Zones of several names, and neighbours with the same clocks all the time, are walked once.
    by_clocks: dict[tuple[timedelta | None, ...], str] = {}
    for zone_name in sorted(available_timezones()):
        zone = zone_of(zone_name)
        by_clocks.setdefault(tuple(day.astimezone(zone).utcoffset() for day in days), zone_name)
    for clocks, zone_name in by_clocks.items():
        for number, (before, after) in enumerate(pairwise(clocks)):
            if before != after:
                for text in ("30 2 * * *", "*/20 0-3 * * *", "15 0 * * *"):
                    agrees(text, zone_name, days[number] - timedelta(hours=6), 36)


def local(text: str, zone_name: str, after: str, amount: int) -> list[str]:
    start = datetime.fromisoformat(after).astimezone(UTC)
    found = instants_after(Cron(text), zone_of(zone_name), start)
    return [next(found).astimezone(zone_of(zone_name)).strftime("%m-%d %H:%M %z") for _ in range(amount)]


def test_a_fixed_time_in_a_gap_fires_at_the_first_instant_after_it() -> None:
    assert local("30 2 * * *", "Europe/Paris", "2026-03-28T12:00Z", 2) == ["03-29 03:00 +0200", "03-30 02:30 +0200"]
    assert local("0,30 2 29 3 *", "Europe/Paris", "2026-03-28T12:00Z", 1) == ["03-29 03:00 +0200"]
    assert local("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00Z", 3)[1:] == ["12-31 00:00 +1400", "12-31 09:00 +1400"]


def test_a_fixed_time_that_comes_twice_fires_once_and_a_wildcard_each_real_period() -> None:
    assert local("30 1 * * *", "Europe/London", "2026-10-24T12:00Z", 2) == ["10-25 01:30 +0100", "10-26 01:30 +0000"]
    twice = ["10-25 01:00 +0100", "10-25 01:30 +0100", "10-25 01:00 +0000", "10-25 01:30 +0000", "10-25 02:00 +0000"]
    assert local("*/30 * * * *", "Europe/London", "2026-10-24T23:31Z", 5) == twice


def test_the_29th_of_february_is_waited_for_and_nothing_longer_than_five_years() -> None:
    assert local("0 0 29 2 *", "UTC", "2026-11-29T00:00Z", 2) == ["02-29 00:00 +0000"] * 2
    assert list(instants_after(Cron("0 0 * 2 MON#5"), zone_of("UTC"), datetime(2026, 1, 1, tzinfo=UTC))) == []


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("", "invalid_cron", 0),
        ("* * * *", "invalid_cron", 7),
        ("0 0 * * * *", "invalid_cron", 10),
        ("61 * * * *", "invalid_cron", 0),
        ("0 1,25 * * *", "invalid_cron", 4),
        ("0 9 * * 1-8", "invalid_cron", 8),
        ("0 9 * JANUARY *", "invalid_cron", 6),
        ("*/0 * * * *", "invalid_cron", 0),
        ("0 9,, * * *", "invalid_cron", 4),
        ("0 9 ? * *", "invalid_cron", 4),
        ("0 9 * * MON#6", "invalid_cron", 8),
        ("0 0 30 2 *", "never_fires", 4),
        ("0 0 31 4,6 *", "never_fires", 4),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, code: str, position: int) -> None:
    with pytest.raises(CronFault) as fault:
        Cron(text)
    assert (fault.value.code, fault.value.position) == (code, position)


@given(st.text(max_size=40) | st.text(alphabet="0123456789*/,-#LWMON ", max_size=20))
def test_whatever_is_written_is_read_or_refused_at_a_place_in_it(text: str) -> None:
    places = []
    try:
        Cron(text)
    except CronFault as fault:
        places.append(fault.position)
    assert all(0 <= place <= len(text) for place in places)

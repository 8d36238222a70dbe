"""Cron text, read with the place of every mistake, and the wall-clock minutes that it names.

The grammar is cronsim's, which follows Debian's cron: five fields, names of months and days, lists, ranges, steps, and
`L`, `LW` and `#`. Zones are `jobs.domain.zone_time`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

MAX_CRON = 256
FIELD_NAMES = ("minute", "hour", "day of the month", "month", "day of the week")
_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FOREIGN = re.compile(r"[^0-9A-Za-z*,/#\- \t]")
_DAY_FIELD = 2
_ANY_DAY = datetime(2024, 1, 1, tzinfo=UTC)


class CronFault(ValueError):
    """The text is no cron expression, or never fires. `position` counts characters from 0."""

    def __init__(self, code: str, detail: str, position: int) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.position = position


class Cron:
    """A cron expression that was read. Raises CronFault (`invalid_cron`, `never_fires`)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._plain = _ALIASES.get(text.strip().lower(), text)
        self._require_sound()
        minute, hour, *_ = self._plain.split()
        # As in Debian's cron: what has no star in minute and hour runs at fixed times of the day.
        self.is_fixed = not minute.startswith("*") and not hour.startswith("*")

    def walls_after(self, wall: datetime) -> Iterator[datetime]:
        """Yield the wall-clock minutes (naive) that it names after `wall`, rising; it ends after 50 years without."""
        return CronSim(self._plain, wall)

    def words(self) -> str:
        """Return what it says in English, such as `At 09:00 on Monday through Friday`."""
        return str(CronSim(self._plain, _ANY_DAY).explain())

    def day_position(self) -> int:
        """Return where the day of the month stands, for what never fires."""
        places = [found.start() for found in re.finditer(r"[^ \t]+", self._plain)]
        return 0 if self._plain != self.text else places[_DAY_FIELD]

    def _require_sound(self) -> None:
        text = self._plain
        if len(text) > MAX_CRON:
            raise CronFault("invalid_cron", f"A cron expression has at most {MAX_CRON} characters.", MAX_CRON)
        foreign = _FOREIGN.search(text)
        if foreign is not None:
            raise CronFault("invalid_cron", f"{foreign[0]!r} has no meaning in a cron expression.", foreign.start())
        fields = list(re.finditer(r"[^ \t]+", text))
        if len(fields) != len(FIELD_NAMES):
            place = fields[len(FIELD_NAMES)].start() if len(fields) > len(FIELD_NAMES) else len(text)
            detail = f"A cron expression has five fields ({', '.join(FIELD_NAMES)}), not {len(fields)}."
            raise CronFault("invalid_cron", detail, place)
        for number, found in enumerate(fields):
            self._require_sound_field(number, found[0], found.start())
        if not _is_accepted(text):
            # Each field is sound by itself, so that it is a day which its months never have.
            raise CronFault("never_fires", "No month that is named has such a day.", fields[_DAY_FIELD].start())

    def _require_sound_field(self, number: int, field: str, start: int) -> None:
        place = start
        for item in field.split(","):
            before, after = "* " * number, " *" * (len(FIELD_NAMES) - 1 - number)
            if not item or not _is_accepted(f"{before}{item}{after}"):
                detail = f"{item!r} is no {FIELD_NAMES[number]}." if item else f"A {FIELD_NAMES[number]} is missing."
                raise CronFault("invalid_cron", detail, place)
            place += len(item) + 1


def _is_accepted(text: str) -> bool:
    try:
        CronSim(text, _ANY_DAY)
    except (CronSimError, AssertionError, ValueError):
        return False
    return True

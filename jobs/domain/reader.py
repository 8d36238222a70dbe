"""Takes fields out of a JSON object and collects what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from jobs.domain.errors import Problem
from jobs.domain.instant import FIRST_MOMENT, LAST_MOMENT

# The most digits of a second that RFC 3339 texts carry in practice; fromisoformat() reads the rest of the grammar.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)

# What other queues call a field. A table and no measure of likeness: one body can have a million wrong names.
_MEANT = {
    **dict.fromkeys(("delay", "delay_ms", "countdown", "eta", "at", "run_at", "run_after"), "scheduled_for"),
    **dict.fromkeys(("args", "kwargs", "arguments", "data", "body"), "payload"),
    **dict.fromkeys(("kinds", "type", "task", "class", "job", "name"), "kind"),
    **dict.fromkeys(("retries", "retry", "max_attempts", "attempts"), "max_retries"),
    **dict.fromkeys(("timeout", "time_limit", "timeout_s"), "timeout_ms"),
    **dict.fromkeys(("expires", "expires_in", "deadline"), "expires_at"),
    **dict.fromkeys(("tags", "headers", "meta"), "metadata"),
    **dict.fromkeys(("every", "interval", "every_s"), "every_ms"),
    **dict.fromkeys(("tz", "zone", "time_zone"), "timezone"),
    **dict.fromkeys(("schedule", "crontab", "expression"), "cron"),
    **dict.fromkeys(("depends_on", "needs", "parents"), "after"),
}


class Reader:
    """Takes fields out of one JSON object and collects what is wrong with them under its pointer."""

    def __init__(self, source: dict[str, object], pointer: str, problems: list[Problem]) -> None:
        self._source = source
        self._pointer = pointer
        self._problems = problems

    def has(self, field: str) -> bool:
        """Tell whether a field is there and not null."""
        return self._source.get(field) is not None

    def value(self, field: str) -> object:
        """Return whatever stands there; None for nothing."""
        return self._source.get(field)

    def part(self, field: str, known: frozenset[str]) -> Reader | None:
        """Return the reader of an object that stands in a field; None for nothing."""
        value = self._source.get(field)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.refuse(field, "invalid_type", f"{field} must be an object.")
            return None
        inner = Reader(value, f"{self._pointer}/{field}", self._problems)
        inner.refuse_unknown(known)
        return inner

    def refuse(self, name: str, code: str, detail: str) -> None:
        """Add a problem with the field `name`."""
        self.refuse_at(escape_pointer(name), code, detail)

    def refuse_at(self, path: str, code: str, detail: str) -> None:
        """Add a problem at a path of already escaped tokens below this object."""
        self._problems.append(Problem(f"{self._pointer}/{path}", code, detail))

    def refuse_placed(self, name: str, code: str, detail: str, position: int) -> None:
        """Add a problem with a place in the text of the field `name`, counted in characters from 0."""
        self._problems.append(Problem(f"{self._pointer}/{escape_pointer(name)}", code, detail, position))

    def refuse_unknown(self, known: frozenset[str]) -> None:
        """Add a problem for each member that is not in `known`."""
        for name in self._source:
            if name not in known:
                self.refuse(name, "unknown_field", self._unknown(name, known))

    def _unknown(self, name: str, known: frozenset[str]) -> str:
        meant = _MEANT.get(name.lower(), "")
        hint = f": perhaps {meant} is meant" if meant in known and meant not in self._source else ""
        return f"{name[:64]!r} is not a field of this object{hint}."

    def name(self, field: str, is_valid: Callable[[str], bool], rule: str, default: str | None) -> str:
        """Return a name that matches its pattern; `rule` says it for people. No default: required."""
        value = self._source.get(field, default)
        if value is None and field not in self._source:
            self.refuse(field, "required", f"{field} is required.")
        elif not isinstance(value, str):
            self.refuse(field, "invalid_type", f"{field} must be a string.")
        elif not is_valid(value):
            self.refuse(field, "invalid_name", f"{field} must match {rule}.")
        else:
            return value
        return default or ""

    def integer(self, field: str, low: int, high: int, default: int) -> int:
        """Return an integer within bounds; `true` and `1.0` are not integers."""
        value = self._source.get(field, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(field, "invalid_type", f"{field} must be an integer.")
        elif not low <= value <= high:
            self.refuse(field, "out_of_range", f"{field} must be {low}–{high}.")
        else:
            return value
        return default

    def choice(self, field: str, choices: tuple[str, ...], default: str) -> str:
        """Return one of `choices`."""
        value = self._source.get(field, default)
        if isinstance(value, str) and value in choices:
            return value
        self.refuse(field, "invalid_choice", f"{field} must be one of {', '.join(choices)}.")
        return default


def escape_pointer(name: str) -> str:
    """Return one token of an RFC 6901 pointer, cut to a length fit for an answer."""
    return name[:64].replace("~", "~0").replace("/", "~1")


def parse_instant(text: str) -> int | None:
    """Return an RFC 3339 text as Unix ms; None if it is none, or a moment that `instant` cannot write in UTC."""
    if not _RFC3339.fullmatch(text):
        return None
    # fromisoformat() knows at most six digits of a second and wants a capital T and Z.
    upper = re.sub(r"(\.\d{6})\d+", r"\1", text.upper())
    try:
        at = round(datetime.fromisoformat(upper).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return at if FIRST_MOMENT <= at <= LAST_MOMENT else None

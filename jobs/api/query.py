"""Query parameters: each known, given once, and judged like a field of a body; their pointer is `?name`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum
from typing import TypeVar

from rest_framework.request import Request

from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.payload_match import MAX_MATCHES, RULE, read_payload_match
from jobs.domain.reader import parse_instant

E = TypeVar("E", bound=StrEnum)
_MAX_DIGITS = 12


class Query:
    """The parameters of one request, with what is wrong with them."""

    def __init__(self, request: Request, known: frozenset[str], repeatable: frozenset[str] = frozenset()) -> None:
        self._values = {name: request.query_params.getlist(name) for name in request.query_params}
        self._problems: list[Problem] = []
        for name, values in self._values.items():
            if name not in known:
                self._refuse(name[:64], "unknown_parameter", f"{name[:64]!r} is not a parameter here.")
            elif len(values) > 1 and name not in repeatable:
                self._refuse(name, "repeated_parameter", f"{name} is given more than once.")

    def finish(self) -> None:
        """Raise InvalidInput if anything was wrong."""
        if self._problems:
            raise InvalidInput(self._problems)

    def integer(self, name: str, low: int, high: int, default: int) -> int:
        """Return an integer within bounds."""
        text = self._one(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and low <= int(text) <= high):
            self._refuse(name, "out_of_range", f"{name} must be an integer, {low}–{high}.")
            return default
        return int(text)

    def flag(self, name: str) -> bool:
        """Return whether `true` is given; nothing means `false`."""
        text = self._one(name)
        if text not in (None, "true", "false"):
            self._refuse(name, "invalid_choice", f"{name} must be true or false.")
        return text == "true"

    def choice(self, name: str, choices: type[E]) -> E | None:
        """Return one of the choices."""
        text = self._one(name)
        if text is None:
            return None
        try:
            return choices(text)
        except ValueError:
            self._refuse(name, "invalid_choice", f"{name} must be one of {', '.join(choices)}.")
            return None

    def name(self, name: str, is_valid: Callable[[str], bool]) -> str | None:
        """Return a name that matches its pattern."""
        text = self._one(name)
        if text is not None and not is_valid(text):
            self._refuse(name, "invalid_name", f"{name} cannot be such a name.")
            return None
        return text

    def text(self, name: str, longest: int) -> str | None:
        """Return a text, matched literally."""
        text = self._one(name)
        if text is not None and not 1 <= len(text) <= longest:
            self._refuse(name, "too_large", f"{name} has 1–{longest} characters.")
            return None
        return text

    def texts(self, name: str, longest: int, most: int) -> tuple[str, ...]:
        """Return the values of a repeatable parameter."""
        values = self._values.get(name, [])
        if len(values) > most or any(not 1 <= len(value) <= longest for value in values):
            self._refuse(name, "too_large", f"{name} is given at most {most} times, with 1–{longest} characters.")
            return ()
        return tuple(values)

    def matches(self, name: str) -> tuple[str, ...]:
        """Return conditions on payloads."""
        values = self._values.get(name, [])
        if len(values) > MAX_MATCHES or any(read_payload_match(value) is None for value in values):
            self._refuse(name, "invalid_match", f"{name} {RULE}; it is given at most {MAX_MATCHES} times.")
            return ()
        return tuple(values)

    def listed(self, name: str, known: Collection[str], default: tuple[str, ...]) -> tuple[str, ...]:
        """Return names that are separated by commas, each once."""
        text = self._one(name)
        if text is None:
            return default
        names = tuple(dict.fromkeys(text.split(",")))
        if any(part not in known for part in names):
            self._refuse(name, "invalid_choice", f"{name} are of {', '.join(known)}, separated by commas.")
            return default
        return names

    def instant(self, name: str) -> int | None:
        """Return an RFC 3339 time as Unix ms."""
        text = self._one(name)
        if text is None:
            return None
        instant = parse_instant(text)
        if instant is None:
            detail = f"{name} must be an RFC 3339 date and time with an offset, such as 2026-01-17T10:30:00Z."
            self._refuse(name, "invalid_time", detail)
        return instant

    def _one(self, name: str) -> str | None:
        values = self._values.get(name)
        return values[0] if values else None

    def _refuse(self, name: str, code: str, detail: str) -> None:
        self._problems.append(Problem(f"?{name}", code, detail))


def refuse_parameters(request: Request) -> None:
    """Raise InvalidInput if there is any query parameter."""
    Query(request, frozenset()).finish()

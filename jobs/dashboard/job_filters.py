"""The filters of the list of jobs: read from the address, with a word about each that cannot be meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.dashboard.job_columns import known_columns
from jobs.domain import naming
from jobs.domain.error_group import is_group_id
from jobs.domain.job import MAX_TAG_NAME, MAX_TAG_VALUE
from jobs.domain.payload_match import read_payload_match
from jobs.domain.priority import Priority
from jobs.domain.reader import parse_instant
from jobs.domain.redaction import is_secret_name
from jobs.domain.status import Status
from jobs.services.job_list import JobFilter

# In the order of the page; `status` is chosen by the tabs.
FILTERS = (
    "queue", "kind", "priority", "tag", "error", "error_type", "error_group", "payload", "created_after",
    "created_before",
)  # fmt: skip
# Those that stand behind "More filters".
FURTHER = frozenset({"error", "error_type", "error_group", "payload", "created_after", "created_before"})
_MAX_ERROR = 200
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Filters:
    """What an address asks for: the texts as given, what they mean, and what is wrong with those that mean nothing."""

    texts: Mapping[str, str]
    wanted: JobFilter
    errors: Mapping[str, str]

    @property
    def is_set(self) -> bool:
        """Tell whether anything but the state narrows the list."""
        return any(name in self.texts for name in FILTERS)

    @property
    def further(self) -> int:
        """Return how many of the filters behind "More filters" are set."""
        return len(FURTHER & self.texts.keys())

    @property
    def query(self) -> str:
        """Return the query of this list's address, which a saved view keeps."""
        return urlencode(self.texts)

    def address(self, **changes: str) -> str:
        """Return the address of this list with other parameters; an empty text leaves one out."""
        kept = {name: text for name, text in {**self.texts, **changes}.items() if text}
        base = reverse("console:jobs")
        return f"{base}?{urlencode(kept)}" if kept else base


@dataclass(slots=True)
class _Reading:
    query: QueryDict
    texts: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, read: Callable[[str], T | None], rule: str) -> T | None:
        """Return what a parameter means; None for none, and for one that breaks the rule, which is noted."""
        text = self.query.get(name, "").strip()
        if not text:
            return None
        self.texts[name] = text
        value = read(text)
        if value is None:
            self.errors[name] = rule
        return value


def read_filters(query: QueryDict) -> Filters:
    """Read the filters of an address."""
    reading = _Reading(query)
    if columns := ",".join(known_columns(query.get("columns", "").split(","))):
        reading.texts["columns"] = columns
    tag = reading.take("tag", _tag, _("Tag: write it as name:value."))
    payload = reading.take("payload", _payload, _("Payload: a path and a value, such as order.id:42."))
    if payload and any(is_secret_name(step) for step in payload[1]):
        reading.errors["payload"] = _("Payload: this field is masked here, so it cannot be searched.")
    time_rule = _("Submitted: a date and a time, such as 2026-01-17T10:30.")
    wanted = JobFilter(
        status=reading.take("status", partial(_choice, Status), _("State: there is none of this name.")),
        queue=reading.take("queue", partial(_name, naming.is_queue), _("Queue: none can have this name.")),
        kind=reading.take("kind", partial(_name, naming.is_kind), _("Kind: none can have this name.")),
        priority=reading.take("priority", partial(_choice, Priority), _("Priority: there is none of this name.")),
        tags=(tag,) if tag else (),
        error=reading.take("error", _short, _("Error: at most 200 characters.")),
        error_type=reading.take("error_type", _short, _("Error type: at most 200 characters.")),
        error_group=reading.take(
            "error_group", partial(_name, is_group_id), _("Error group: there is none of this name.")
        ),
        payload=(payload[0],) if payload else (),
        created_after=reading.take("created_after", moment_of, time_rule),
        created_before=reading.take("created_before", moment_of, time_rule),
    )
    return Filters(reading.texts, wanted, reading.errors)


def _choice(choices: type[E], text: str) -> E | None:
    return choices(text) if text in set(choices) else None


def _name(is_valid: Callable[[str], bool], text: str) -> str | None:
    return text if is_valid(text) else None


def _tag(text: str) -> str | None:
    name, colon, value = text.partition(":")
    return text if colon and 0 < len(name) <= MAX_TAG_NAME and len(value) <= MAX_TAG_VALUE else None


def _short(text: str) -> str | None:
    return text if len(text) <= _MAX_ERROR and "\0" not in text else None


def _payload(text: str) -> tuple[str, tuple[str, ...]] | None:
    match = read_payload_match(text)
    return None if match is None else (text, match.path)


def moment_of(text: str) -> int | None:
    """Return Unix ms of an RFC 3339 time, or of a date and time without an offset, which is taken for UTC."""
    instant = parse_instant(text)
    if instant is not None or len(text) > len("2026-01-17T10:30:00.000"):
        return instant
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo else int(moment.replace(tzinfo=UTC).timestamp() * 1000)

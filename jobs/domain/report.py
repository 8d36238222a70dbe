"""What a running attempt says of itself: how far it is, lines of log, a checkpoint from which the next one goes on."""

from __future__ import annotations

from enum import IntEnum

import msgspec

MAX_PROGRESS_TEXT = 200
MAX_LINE = 2_000
# Of a job, all its attempts together; the oldest lines go first.
MAX_LINES = 1_000
MAX_LOG_BYTES = 256 * 1024
# Of all jobs in a shard of a namespace: beyond that lines are dropped and counted until retention makes room.
MAX_ALL_LOGS_BYTES = 256 * 1024 * 1024
# The same as a share of the store's `maxmemory`, if it has one: logs alone never fill a store.
MAX_ALL_LOGS_SHARE = 0.1
# Of `maxmemory` in use, beyond which neither lines nor large checkpoints are taken: before new jobs are refused.
FULL_AT = 0.8
MAX_LINES_A_REPORT = 200
MAX_CHECKPOINT_BYTES = 256 * 1024
LEVELS = ("debug", "info", "warning", "error")


class Progress(msgspec.Struct, frozen=True):
    """How far a job is: `fraction` of 1, and a few words. `at` is Unix ms."""

    fraction: float
    text: str
    at: int


class ReportLine(msgspec.Struct, frozen=True):
    """A line on its way to the store. `age_ms` is how long ago it was written, by whatever clock wrote it."""

    age_ms: int
    level: str
    text: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to tell of one attempt; what is None or empty stays as it was.

    `number` counts the reports of an attempt, from 1: one that is known changes nothing when it is repeated. 0: it has
    none, and a repeat counts as another. `checkpoint` is JSON text.
    """

    job_id: str
    token: str
    number: int = 0
    fraction: float | None = None
    text: str = ""
    lines: tuple[ReportLine, ...] = ()
    checkpoint: bytes | None = None


class Noted(IntEnum):
    """What became of a report. Only a lost one is false."""

    LOST = 0
    NOTED = 1
    # There is no memory for its checkpoint: the next attempt gets the one before.
    WITHOUT_CHECKPOINT = 2


class LogLine(msgspec.Struct, frozen=True):
    """A line as it is kept; `at` is Unix ms of the store's clock."""

    at: int
    attempt: int
    level: str
    text: str


class JobLog(msgspec.Struct, frozen=True):
    """Lines of a job, oldest first."""

    lines: tuple[LogLine, ...]


def plain_line(text: str, limit: int = MAX_LINE) -> str:
    """Return a text as one line of at most `limit` bytes of UTF-8: cut between characters, control characters escaped.

    Half surrogate pairs become `?`: nothing else could be stored.
    """
    shown = "".join(letter if letter.isprintable() or letter == "\t" else _escaped(letter) for letter in text[:limit])
    data = shown.encode("utf-8", "replace")
    return data[:limit].decode("utf-8", "ignore")


def _escaped(letter: str) -> str:
    # Half a surrogate pair has no other form that is text.
    return "?" if "\ud800" <= letter <= "\udfff" else letter.encode("unicode_escape").decode("ascii")

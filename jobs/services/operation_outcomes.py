"""What became of each job of an operation: two letters a job, so that a million of them stay small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jobs.access.operation import OperationBatch
from jobs.backends.base import ActCode, Acted
from jobs.domain.status import Status

MAX_PAGE = 200
# Batches that one request looks at: 20 000 jobs.
_MAX_BATCHES = 100
_WIDTH = 2
_CODES = {
    ActCode.DONE: "d",
    ActCode.REQUESTED: "r",
    ActCode.CONFLICT: "c",
    ActCode.UNIQUE_CONFLICT: "u",
    ActCode.NOT_FOUND: "n",
    ActCode.TOO_MANY_QUEUES: "q",
}
_CODE_OF = {letter: code for code, letter in _CODES.items()}
_STATUSES: dict[Status | None, str] = {None: "-", **{status: "abcdefgh"[at] for at, status in enumerate(Status)}}
_STATUS_OF = {letter: status for status, letter in _STATUSES.items()}
DONE = frozenset({ActCode.DONE, ActCode.REQUESTED})
SKIPPED = frozenset({ActCode.CONFLICT, ActCode.UNIQUE_CONFLICT, ActCode.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one job, and its status then. `place` is that in the operation, from 0."""

    place: int
    id: str
    code: ActCode
    status: Status | None


@dataclass(frozen=True, slots=True)
class OutcomePage:
    """Outcomes in the order of the operation; `next_place` is None where there is nothing more."""

    outcomes: tuple[Outcome, ...]
    next_place: int | None


def letters_of(acted: Iterable[Acted]) -> str:
    """Return outcomes as a batch keeps them."""
    return "".join(_CODES[answer.code] + _STATUSES[answer.status] for answer in acted)


def known_in(codes: str) -> int:
    """Return how many jobs of a batch were taken."""
    return len(codes) // _WIDTH


def outcomes_of(batch: OperationBatch) -> Iterator[Outcome]:
    """Yield what became of the jobs of a batch that were taken."""
    for at in range(known_in(batch.codes)):
        letters = batch.codes[at * _WIDTH : (at + 1) * _WIDTH]
        yield Outcome(batch.first + at, batch.ids[at], _CODE_OF[letters[0]], _STATUS_OF[letters[1]])


def read_page(operation_id: str, place: int, limit: int, *, only_undone: bool = False) -> OutcomePage:
    """Return outcomes from a place on; with `only_undone` those that were not done. Looks at 20 000 jobs at most."""
    batches = OperationBatch.objects.filter(operation_id=operation_id, first__gt=place - MAX_PAGE).exclude(codes="")
    if only_undone:
        batches = batches.filter(undone__gt=0)
    found: list[Outcome] = []
    looked_at = 0
    for batch in batches.order_by("first")[:_MAX_BATCHES].iterator(chunk_size=10):
        looked_at += 1
        for outcome in outcomes_of(batch):
            if outcome.place < place or (only_undone and outcome.code in DONE):
                continue
            if len(found) == limit:
                return OutcomePage(tuple(found), outcome.place)
            found.append(outcome)
        last = batch.first + len(batch.ids)
    return OutcomePage(tuple(found), last if looked_at == _MAX_BATCHES else None)

"""Records jobs in place of the store, says what was enqueued, and runs it when told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from django.db import connections

from jobs.domain.job import Job
from jobs.domain.payload import decode_json, encode_json
from jobs.domain.priority import score
from jobs.domain.status import Status
from jobs.integrations.rehearsal import Place, Rehearsal
from jobs.integrations.transactions import Parcel, is_in_transaction

_WAITING = frozenset({Status.QUEUED, Status.SCHEDULED, Status.FAILED})
_MOST_RUNS = 10_000
ANY: Any = type("Any", (), {"__repr__": lambda _: "ANY"})()
T = TypeVar("T")


class EndlessJobs(AssertionError):
    """Jobs go on and on: each enqueues another, or snoozes for ever."""


class FakeMode(Rehearsal):
    """Records jobs. Those of a transaction count from its commit on; in a TestCase, whose own never commits, from
    the end of the program's.
    """

    is_immediate = False

    def enqueued(self, kind: str | None = None) -> list[Job]:
        """Return the jobs that were enqueued, in order, as they are now."""
        self._take_committed()
        return [job for job in self.jobs.values() if kind in (None, job.kind)]

    def assert_enqueued(self, kind: str, payload: Any = ANY, *, count: int | None = None, **fields: Any) -> list[Job]:
        """Return the jobs of a kind with that payload and those fields of a job, such as `queue` or `metadata`.

        Raises AssertionError if there is none, or not `count`; 0 says that there must be none.
        """
        found = [job for job in self.enqueued(kind) if _matches(job, payload, fields)]
        if len(found) == count or (count is None and found):
            return found
        wanted = ", ".join([repr(kind), repr(payload), *(f"{name}={value!r}" for name, value in fields.items())])
        recorded = "".join(f"\n  {job.kind} {_text(job)} queue={job.queue}" for job in self.jobs.values())
        raise AssertionError(f"{len(found)} jobs match ({wanted}). Enqueued:{recorded or ' nothing'}")

    def perform_enqueued(self, kind: str | None = None) -> list[Job]:
        """Run what waits until nothing does, and return the jobs that ran, once for each attempt, as they ended.

        In the order of a worker: what is due by priority, then what is due next, retries and what handlers enqueue
        included. Nothing is waited for: the clock of this mode goes ahead. What handlers raise is in `errors`.

        Raises NoHandler, and EndlessJobs after 10 000 attempts.
        """
        ran: list[Job] = []
        while (place := self._next(kind)) is not None:
            if len(ran) >= _MOST_RUNS:
                raise EndlessJobs(f"{_MOST_RUNS} attempts were run, and {self.jobs[place].kind} still waits.")
            self.advance_to(_due(self.jobs[place]))
            ran.append(self.run(place))
        return ran

    def _next(self, kind: str | None) -> Place | None:
        self._take_committed()
        waiting = {
            place: job for place, job in self.jobs.items() if job.status in _WAITING and kind in (None, job.kind)
        }
        now = self.now_ms()
        due = {place: job for place, job in waiting.items() if _due(job) <= now}
        if due:
            return _first(due, lambda job: score(job.priority, _due(job) / 1000))
        return _first(waiting, _due) if waiting else None

    def _take_committed(self) -> None:
        """Take jobs whose transactions ended well, but inside that of a TestCase, so that Django calls no hook."""
        for connection in connections.all(initialized_only=True):
            if is_in_transaction(connection.alias):
                continue
            for entry in list(connection.run_on_commit):
                parcel = getattr(entry[1], "__self__", None)
                if isinstance(parcel, Parcel) and parcel.mode is self:
                    parcel.send()


def _first(jobs: dict[Place, Job], rank: Callable[[Job], float]) -> Place:
    return min(jobs, key=lambda place: rank(jobs[place]))


def _due(job: Job) -> int:
    return job.created_at if job.scheduled_for is None else job.scheduled_for


def _matches(job: Job, payload: Any, fields: dict[str, Any]) -> bool:
    if payload is not ANY and _value(job) != msgspec.json.decode(encode_json(payload)):
        return False
    return all(getattr(job, name) == value for name, value in fields.items())


def _value(job: Job) -> object:
    return decode_json(job.payload or b"null")


def _text(job: Job) -> str:
    return (job.payload or b"null").decode()[:200]

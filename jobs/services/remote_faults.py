"""Failures that workers over HTTP told of, counted by group and handed to the store a second later.

The request that told of them does not wait. What a server process knows when it is killed is lost, and so is what goes
beyond its room for one second.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from jobs.backends.base import MAX_BATCH, Backend
from jobs.backends.call import AsyncRunner
from jobs.domain.error_group import ErrorTally
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import JobError
from jobs.domain.outcome import Settled, Settlement
from jobs.domain.status import Status
from jobs.telemetry.logs import get_logger, log_event

EVERY_S: Final = 1.0
# Of a namespace in that time; the kind of each job has to be looked up.
MAX_NOTED: Final = 1_000
# A settlement may be repeated. So many of the last ones are remembered, by their tokens.
MAX_REMEMBERED: Final = 10_000
_FAILED = frozenset({Status.FAILED, Status.DEAD_LETTER})
_log = get_logger("server")


@dataclass(slots=True)
class _Noted:
    """One namespace's failures: those whose kind is not known yet, and those that wait for the store."""

    fresh: list[tuple[str, JobError, Status, str]] = field(default_factory=list)
    tally: ErrorTally = field(default_factory=ErrorTally)


class RemoteFaults:
    """The failures of one event loop's requests."""

    def __init__(self, backend: Backend, runner_of: Callable[[str, int], AsyncRunner]) -> None:
        self._backend = backend
        self._runner_of = runner_of
        self._noted: dict[str, _Noted] = {}
        self._known: OrderedDict[str, None] = OrderedDict()
        self._task: asyncio.Task[None] | None = None

    def note(
        self,
        namespace: str,
        settlements: Sequence[Settlement],
        answers: Sequence[Settled | BackendUnavailable],
        version: str,
    ) -> None:
        """Note the attempts that failed."""
        for settlement, answer in zip(settlements, answers, strict=True):
            error = settlement.error
            if not isinstance(answer, Settled) or answer.status not in _FAILED or error is None or not error.type:
                continue
            if not self._is_known(settlement.token):
                fresh = self._noted.setdefault(namespace, _Noted()).fresh
                if len(fresh) < MAX_NOTED:
                    fresh.append((settlement.job_id, error.bounded(), answer.status, version))
        if self._noted and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._tell_soon(), name="remote-faults")

    def _is_known(self, token: str) -> bool:
        if token in self._known:
            return True
        self._known[token] = None
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return False

    async def _tell_soon(self) -> None:
        while self._noted:
            await asyncio.sleep(EVERY_S)
            for namespace in list(self._noted):
                try:
                    await self._tell(namespace)
                except Exception as error:  # noqa: BLE001 (nothing depends on it, and the rest is to be told)
                    log_event(_log, "faults.untold", exception=error, namespace=namespace)
                    self._noted.pop(namespace, None)
        self._task = None

    async def _tell(self, namespace: str) -> None:
        """Hand the failures of a namespace to the store; they stay if it does not answer."""
        noted = self._noted[namespace]
        inspector = self._backend.inspector(namespace)
        try:
            while noted.fresh:
                some = noted.fresh[:MAX_BATCH]
                call = inspector.get_many([job_id for job_id, *_ in some])
                jobs = await self._runner_of(namespace, call.shard).run(call)
                del noted.fresh[: len(some)]
                for (job_id, error, status, version), job in zip(some, jobs, strict=True):
                    if job is not None:
                        noted.tally.note(job.kind, job_id, error, status, version)
            blames = noted.tally.take()
            if blames:
                telling = self._backend.error_groups(namespace).blame(blames)
                try:
                    await self._runner_of(namespace, telling.shard).run(telling)
                except BackendUnavailable:
                    noted.tally.put_back(blames)
                    raise
        except BackendUnavailable:
            return
        if not noted.fresh:
            del self._noted[namespace]

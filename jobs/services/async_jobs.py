"""Jobs for faces that live on an event loop: submitted in groups, looked at and waited for without a thread.

The same rights, the same scripts and the same answers as `submission`, `bulk_submission` and `job_reading`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import Submitted
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import Job
from jobs.domain.trace import TraceContext
from jobs.services.admission import admission
from jobs.services.bulk_submission import Entry, read_entries, whole
from jobs.services.group_commit import GroupCommit
from jobs.services.job_reading import canonical_id, no_such_job
from jobs.services.job_waits import JobWaits
from jobs.services.limit_keys import limit_keys
from jobs.services.parcels import Outcome
from jobs.services.submission import NewJob, accepted, submissions_of
from jobs.services.submit_span import SubmitSpan

_READ_AT_ONCE = 100


class AsyncJobs:
    """The services of one event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        # Who looks does not stand behind who submits.
        self._submitter = partial(wiring.shared_channel, "submit")
        self._looker = partial(wiring.shared_channel, "look")
        self._commit = GroupCommit(self._submitter, wiring.backend())
        self._waits = JobWaits(self._looker, wiring.backend())

    async def submit_one(self, actor: Actor, job: NewJob, trace: TraceContext | None = None) -> Submitted:
        """Store one job; `trace` is where its asker is. Raises NotPermitted, BackendUnavailable, or as `refusal_of`."""
        await _until_known(actor)
        with SubmitSpan(actor.namespace, (job,), trace) as span:
            (submission,) = submissions_of(actor, span.jobs((job,)))
            answer = accepted(await self._commit.submit_one(actor.namespace, submission))
            span.named(answer.job_id)
            return answer

    def begin_one(self, actor: Actor, job: NewJob, tell: Callable[[Outcome | Exception], None]) -> None:
        """Store one job; `tell` gets what the store made of it, as `accepted` takes it, or why it was not stored.

        Raises NotPermitted or BackendUnavailable, and `tell` is then not called.
        """
        if not limit_keys().is_known(actor.namespace):
            raise BackendUnavailable("What the namespace limits by key is not known yet.")  # `submit_one` waits for it
        self._commit.begin_one(actor.namespace, submissions_of(actor, (job,))[0], tell)

    def require_room(self, actor: Actor, jobs: int, size_bytes: int) -> None:
        """Pass if a bulk request of that size could wait now. Raises BackendUnavailable `overloaded`."""
        self._commit.room.require_bulk(actor.namespace, jobs, size_bytes)

    async def read_entries(self, texts: Sequence[bytes], key: str | None, fingerprint: str, now_ms: int) -> list[Entry]:
        """Return each job of a bulk request, or why it is none; other requests get their turn in between."""
        entries: list[Entry] = []
        for first in range(0, len(texts), _READ_AT_ONCE):
            some = texts[first : first + _READ_AT_ONCE]
            entries += read_entries(some, key, fingerprint, now_ms, first=first)
            await asyncio.sleep(0)
        return entries

    async def submit_many(
        self, actor: Actor, jobs: Sequence[NewJob], trace: TraceContext | None = None
    ) -> list[Outcome]:
        """Store any number of jobs; answers in order. Raises NotPermitted, or BackendUnavailable if none was stored."""
        await _until_known(actor)
        with SubmitSpan(actor.namespace, jobs, trace) as span:
            return await self._commit.submit(actor.namespace, submissions_of(actor, span.jobs(jobs)))

    async def submit_all_or_none(
        self, actor: Actor, jobs: Sequence[NewJob], trace: TraceContext | None = None
    ) -> list[Submitted]:
        """Store up to 1 000 jobs all or none. Raises NotPermitted, InvalidInput or BackendUnavailable."""
        await _until_known(actor)
        with SubmitSpan(actor.namespace, jobs, trace) as span:
            batch = submissions_of(actor, span.jobs(jobs), is_atomic=True)
            outcomes = await self._commit.submit(actor.namespace, batch, is_atomic=True)
            return whole([outcome for outcome in outcomes if isinstance(outcome, Submitted)])

    async def get_job(self, actor: Actor, job_id: str, wait_s: float = 0) -> Job:
        """Return the whole job, once it is final or `wait_s` (at most 30) is over. Raises NotPermitted, NotFound."""
        policy.authorize(actor, Action.JOB_READ)
        known_id = canonical_id(job_id)
        if wait_s > 0:
            await self._waits.until_final(actor.namespace, known_id, wait_s)
        look = wiring.backend().inspector(actor.namespace).get(known_id)
        job = await self._looker(actor.namespace, look.shard).run(look)
        if job is None:
            raise no_such_job(job_id)
        if policy.can(actor, Action.PAYLOAD_READ):
            return job
        return job.without_content()


async def _until_known(actor: Actor) -> None:
    """Return when this process knows what a submission has to know of the store. Raises BackendUnavailable."""
    await admission().wait_for()
    await limit_keys().wait_for(actor.namespace)

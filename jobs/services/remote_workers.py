"""Workers that speak HTTP: they begin and end their life here, and say in between that they live.

What is known of one stands in the store, for any server process may be asked next.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import Backend
from jobs.backends.call import AsyncRunner, Call
from jobs.domain.errors import NotFound, TooManyAttempts
from jobs.domain.naming import is_worker_id
from jobs.domain.queue import WorkerRecord
from jobs.domain.worker import WorkerOrder
from jobs.domain.worker_body import Heartbeat, Registration
from jobs.services.admission import admission

T = TypeVar("T")
HTTP: Final = "http"
MAX_JOBS_NAMED: Final = 100
# Of a namespace, those that reach the store themselves among them. The store keeps up to 18 KiB of each.
MAX_WORKERS: Final = 2_000
# Of the store's `maxmemory`: beyond it no more than so many, which is enough to work off what fills it. It is so far
# below where new jobs are refused that workers alone never bring it there.
FULL_AT: Final = 0.75
MAX_WORKERS_WHEN_FULL: Final = 64
_RETRY_AFTER_S: Final = 30
# A claim is a sign of life too. So long it is not told to the store once more, and the worker not looked up.
_FRESH_S: Final = 3.0
_MAX_REMEMBERED: Final = 10_000


class RemoteWorkers:
    """The workers of one event loop's requests."""

    def __init__(self, backend: Backend, runner_of: Callable[[str, int], AsyncRunner]) -> None:
        self._backend = backend
        self._runner_of = runner_of
        self._seen_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def register(self, actor: Actor, registration: Registration) -> str:
        """Begin the life of a worker and return its id, which no other ever has.

        Raises TooManyAttempts `too_many_workers` or BackendUnavailable.
        """
        policy.authorize(actor, Action.WORKER_REPORT)
        record = WorkerRecord(
            id=f"{registration.name}-{secrets.token_hex(8)}",
            host=registration.host,
            pid=registration.pid,
            version=registration.version,
            queues=registration.queues,
            kinds=registration.kinds,
            concurrency=registration.concurrency,
            busy=0,
            started_at=time.time_ns() // 1_000_000,
            language=registration.language,
            app_version=registration.app_version,
            via=HTTP,
        )
        is_full = admission().is_filled(FULL_AT)
        most = MAX_WORKERS_WHEN_FULL if is_full else MAX_WORKERS
        if not await self._run(actor, self._backend.consumer(actor.namespace).register(record, most)):
            if is_full:
                raise admission().refusal(f"more than {most} workers", FULL_AT)
            detail = f"The namespace has {most} workers, each counted for a minute after its last word."
            raise TooManyAttempts(detail, code="too_many_workers", retry_after_s=_RETRY_AFTER_S)
        return record.id

    async def beat(self, actor: Actor, worker_id: str, heartbeat: Heartbeat) -> WorkerOrder:
        """Note that a worker lives, and return what it is to do. Raises NotFound `worker_unknown`."""
        policy.authorize(actor, Action.WORKER_REPORT)
        record = await self._known(actor, worker_id)
        now_said = msgspec.structs.replace(
            record,
            status=heartbeat.status,
            busy=len(heartbeat.leases) if heartbeat.busy is None else heartbeat.busy,
            jobs=tuple(job_id for job_id, _ in heartbeat.leases[:MAX_JOBS_NAMED]),
        )
        return await self._run(actor, self._backend.consumer(actor.namespace).heartbeat(now_said))

    async def forget(self, actor: Actor, worker_id: str) -> None:
        """End the life of a worker. Raises NotFound `worker_unknown`."""
        policy.authorize(actor, Action.WORKER_REPORT)
        await self.require(actor, worker_id)
        self._seen_at.pop((actor.namespace, worker_id), None)
        await self._run(actor, self._backend.consumer(actor.namespace).farewell(worker_id))

    async def require(self, actor: Actor, worker_id: str) -> None:
        """Pass if there is such a worker, and note that it lives. Raises NotFound `worker_unknown`."""
        key = actor.namespace, worker_id
        now = asyncio.get_running_loop().time()
        if now - self._seen_at.get(key, -_FRESH_S) < _FRESH_S:
            return
        record = await self._known(actor, worker_id)
        await self._run(actor, self._backend.consumer(actor.namespace).heartbeat(record))
        self._seen_at[key] = now
        self._seen_at.move_to_end(key)
        if len(self._seen_at) > _MAX_REMEMBERED:
            self._seen_at.popitem(last=False)

    async def _known(self, actor: Actor, worker_id: str) -> WorkerRecord:
        if is_worker_id(worker_id):
            record = await self._run(actor, self._backend.consumer(actor.namespace).worker(worker_id))
            # One that talks to the store itself counts its claims, so nobody else may claim for it.
            if record is not None and record.via == HTTP:
                return record
        detail = "There is no such worker, or nothing was heard of it for a minute: register again."
        raise NotFound(detail, code="worker_unknown")

    async def _run(self, actor: Actor, call: Call[T]) -> T:
        return await self._runner_of(actor.namespace, call.shard).run(call)

"""Workers as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.instant import instant
from jobs.domain.queue import WorkerRecord
from jobs.domain.worker import WorkerOrder
from jobs.services.workers import WorkerPage


class WorkerShape(msgspec.Struct, frozen=True, kw_only=True):
    """A worker as it last reported itself. `via` is how it reaches the jobs: `store`, or `http` for any language.

    `version` is IronForge's or the client's, `app_version` that of the code it runs, "" where it told none.
    `namespaces` is how many it serves, in turn; `busy` and `jobs` are of this one.
    """

    id: str
    host: str
    pid: int
    version: str
    app_version: str
    language: str
    via: str
    status: str
    queues: tuple[str, ...]
    kinds: tuple[str, ...]
    concurrency: int
    namespaces: int
    busy: int
    jobs: tuple[str, ...]
    memory_bytes: int
    started_at: str
    seen_at: str


class OrderShape(msgspec.Struct, frozen=True):
    """What a worker was told."""

    worker_id: str
    order: WorkerOrder


class WorkerListShape(msgspec.Struct, frozen=True):
    """Workers seen in the last 30 s, by id. `page.prev` is always null."""

    data: tuple[WorkerShape, ...]
    page: PageShape = PageShape()


def worker_list_shape(page: WorkerPage) -> WorkerListShape:
    """Return a page of workers."""
    return WorkerListShape(tuple(_worker_shape(worker) for worker in page.workers), PageShape(page.next_cursor))


def _worker_shape(worker: WorkerRecord) -> WorkerShape:
    return WorkerShape(
        id=worker.id,
        host=worker.host,
        pid=worker.pid,
        version=worker.version,
        app_version=worker.app_version,
        language=worker.language,
        via=worker.via,
        status=worker.status,
        queues=worker.queues,
        kinds=worker.kinds,
        concurrency=worker.concurrency,
        namespaces=worker.namespaces,
        busy=worker.busy,
        jobs=worker.jobs,
        memory_bytes=worker.memory_bytes,
        started_at=instant(worker.started_at),
        seen_at=instant(worker.seen_at),
    )

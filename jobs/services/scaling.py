"""What autoscalers ask: how far each queue is behind, and how many jobs at a time would catch up."""

from __future__ import annotations

from dataclasses import dataclass

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import MAX_WORKERS, Inspector
from jobs.domain.queue import QueueStats, WorkerRecord
from jobs.domain.scaling import Crew, crews

# Within how many seconds a ready job is to begin: unless it is said, and at most.
TARGET_S = 60
MAX_TARGET_S = 86_400
# As many as a namespace may have come in so many answers of the store.
_PAGES = 2
_FOR_RATES = 2


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """A queue and who serves it."""

    stats: QueueStats
    crew: Crew


@dataclass(frozen=True, slots=True)
class Load:
    """Queues by name at `server_time`, Unix ms of the store's clock."""

    server_time: int
    queues: tuple[QueueLoad, ...]


def load_of_all(actor: Actor) -> Load:
    """Return every known queue, at most 1 000. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.QUEUE_READ)
    inspector = wiring.backend().inspector(actor.namespace)
    overview = wiring.runner().run(inspector.overview(_FOR_RATES))
    return _load(overview.server_time, overview.queues, inspector)


def load_of(actor: Actor, name: str) -> Load:
    """Return one queue, which is an empty one where no job ever named it. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.QUEUE_READ)
    inspector = wiring.backend().inspector(actor.namespace)
    server_time, found = wiring.runner().run(inspector.queue(name))
    return _load(server_time, (found or QueueStats(name=name, counts={}),), inspector)


def _load(server_time: int, queues: tuple[QueueStats, ...], inspector: Inspector) -> Load:
    serving = crews(_workers(inspector))
    return Load(server_time, tuple(QueueLoad(stats, serving.get(stats.name, Crew())) for stats in queues))


def _workers(inspector: Inspector) -> list[WorkerRecord]:
    seen: list[WorkerRecord] = []
    for _ in range(_PAGES):
        page = wiring.runner().run(inspector.workers(seen[-1].id if seen else ""))
        seen += page
        if len(page) < MAX_WORKERS:
            break
    return seen

"""What one worker is asked to do, checked."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.domain.naming import NAMESPACE, QUEUE, is_namespace, is_queue

MAX_CONCURRENCY = 1_000
MAX_PROCESSES = 256
MAX_GRACE_S = 86_400


class BadOption(ValueError):
    """An option cannot be used; the text names it and the fix."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Queues are served in this order; `concurrency` counts attempts of one process; `grace_s` bounds the drain."""

    namespace: str
    queues: tuple[str, ...]
    concurrency: int
    grace_s: float
    processes: int


def parse_options(namespace: str, queues: str, concurrency: int, grace_s: float, processes: int) -> WorkerOptions:
    """Return the options of a worker; `queues` is separated by commas. Raises BadOption."""
    names = tuple(dict.fromkeys(name.strip() for name in queues.split(",") if name.strip()))
    if not names:
        raise BadOption("--queues: name at least one queue, like main,mail")
    for name in names:
        if not is_queue(name):
            raise BadOption(f"--queues: {name!r} is not a queue's name, which matches ^{QUEUE.pattern}$")
    if not is_namespace(namespace):
        raise BadOption(f"--namespace: {namespace!r} is not a namespace's name, which matches ^{NAMESPACE.pattern}$")
    _within("--concurrency", concurrency, 1, MAX_CONCURRENCY)
    _within("--processes", processes, 1, MAX_PROCESSES)
    _within("--grace", grace_s, 0, MAX_GRACE_S)
    return WorkerOptions(namespace, names, concurrency, grace_s, processes)


def _within(option: str, value: float, low: int, high: int) -> None:
    if not low <= value <= high:
        raise BadOption(f"{option}: {value:g} is not in {low}–{high}")

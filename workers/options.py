"""What one worker is asked to do, checked."""

from __future__ import annotations

import math
import os

import msgspec

from jobs.domain.naming import ALL_NAMESPACES, NAMESPACE, QUEUE, is_namespace, is_queue
from workers.recycling import NEVER, Recycling

MAX_CONCURRENCY = 1_000
MAX_PROCESSES = 256
MAX_GRACE_S = 86_400
MAX_CHILD_GRACE_S = 60
MAX_AGE_S = 30 * 86_400
MAX_MEMORY_MIB = 1_048_576
MAX_JOBS = 1_000_000_000
MAX_WEIGHT = 1_000
DEFAULT_CHILD_GRACE_S = 1.0
CHILDREN_PER_PROCESSOR = 4
_MIB = 1_048_576


class BadOption(ValueError):
    """An option cannot be used; the text names it and the fix."""


class ChildOptions(msgspec.Struct, frozen=True):
    """Child processes for handlers with isolation `process`: at most `limit` of one worker process, killed `grace_s`
    after they were interrupted.
    """

    limit: int = CHILDREN_PER_PROCESSOR
    grace_s: float = DEFAULT_CHILD_GRACE_S
    recycling: Recycling = NEVER


class WorkerOptions(msgspec.Struct, frozen=True):
    """Queues are served in this order, or by `weights` where there are any.

    Each process serves all of `namespaces`, of which `namespace` is the first; `is_all`: those that there are.

    `concurrency` counts attempts of one process; `grace_s` bounds the drain; `is_burst`: it ends when no job is ready.
    `recycling` is when a worker process is replaced; its parent, if it has one, starts the next.
    """

    namespace: str
    queues: tuple[str, ...]
    concurrency: int
    grace_s: float
    processes: int
    children: ChildOptions = ChildOptions()
    recycling: Recycling = NEVER
    weights: tuple[int, ...] = ()
    is_burst: bool = False
    namespaces: tuple[str, ...] = ()
    is_all: bool = False

    @property
    def is_shared(self) -> bool:
        """Tell whether each process serves several namespaces, or all."""
        return self.is_all or len(self.namespaces) > 1

    @property
    def served(self) -> str:
        """Return the namespaces as they are named on the command line."""
        return ALL_NAMESPACES if self.is_all else ",".join(self.namespaces) or self.namespace


def parse_options(
    namespace: str,
    queues: str,
    concurrency: int,
    grace_s: float,
    processes: int,
    *,
    children: ChildOptions | None = None,
    recycling: Recycling = NEVER,
    is_burst: bool = False,
) -> WorkerOptions:
    """Return the options of a worker; `queues` is separated by commas, each with a weight or not. Raises BadOption."""
    weighted = parse_queues(queues)
    namespaces = parse_namespaces(namespace)
    is_all = namespaces == (ALL_NAMESPACES,)
    if is_all and is_burst:
        raise BadOption("--burst: name the namespaces; who serves all waits for those that come")
    _within("--concurrency", concurrency, 1, MAX_CONCURRENCY)
    _within("--processes", processes, 1, MAX_PROCESSES)
    _within("--grace", grace_s, 0, MAX_GRACE_S)
    children = children or parse_children(None, DEFAULT_CHILD_GRACE_S, NEVER, concurrency)
    names = tuple(name for name, _ in weighted)
    weights = tuple(weight or 1 for _, weight in weighted) if any(weight for _, weight in weighted) else ()
    return WorkerOptions(
        namespaces[0],
        names,
        concurrency,
        grace_s,
        processes,
        children,
        recycling,
        weights,
        is_burst,
        namespaces=() if is_all else namespaces,
        is_all=is_all,
    )


def parse_namespaces(text: str) -> tuple[str, ...]:
    """Return the namespaces of `a,b`, each once; `all` alone stands for all. Raises BadOption."""
    names = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    for name in names:
        if not is_namespace(name):
            raise BadOption(f"--namespace: {name!r} is not a namespace's name, which matches ^{NAMESPACE.pattern}$")
    if not names:
        raise BadOption("--namespace: name at least one namespace, or all")
    if ALL_NAMESPACES in names and len(names) > 1:
        raise BadOption("--namespace: all stands alone")
    return names


def parse_queues(text: str) -> list[tuple[str, int]]:
    """Return the queues of `main,mail` or `main:5,mail:1` with their weights, 0 for none. Raises BadOption."""
    found: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, mark, weight = part.partition(":")
        if not is_queue(name):
            raise BadOption(f"--queues: {name!r} is not a queue's name, which matches ^{QUEUE.pattern}$")
        if mark and not (weight.isascii() and weight.isdigit() and 1 <= int(weight) <= MAX_WEIGHT):
            raise BadOption(f"--queues: the weight of {name} is {weight!r}, not a whole number in 1–{MAX_WEIGHT}")
        found.setdefault(name, int(weight or 0))
    if not found:
        raise BadOption("--queues: name at least one queue, like main,mail")
    return list(found.items())


def parse_children(limit: int | None, grace_s: float, recycling: Recycling, concurrency: int) -> ChildOptions:
    """Return the options of children; without a limit as many as there are slots, at most four a processor.

    Raises BadOption.
    """
    if limit is None:
        limit = max(1, min(concurrency, CHILDREN_PER_PROCESSOR * (os.cpu_count() or 1)))
    _within("--children", limit, 1, MAX_CONCURRENCY)
    _within("--child-grace", grace_s, 0, MAX_CHILD_GRACE_S)
    return ChildOptions(limit, grace_s, recycling)


def parse_recycling(prefix: str, jobs: int | None, age_s: float | None, memory_mib: float | None) -> Recycling:
    """Return when a process is replaced; None is no bound. `prefix` begins the options' names. Raises BadOption."""
    if jobs is not None:
        _within(f"{prefix}jobs", jobs, 1, MAX_JOBS)
    if age_s is not None:
        _within(f"{prefix}age", age_s, 1, MAX_AGE_S)
    if memory_mib is not None:
        _within(f"{prefix}memory", memory_mib, 1, MAX_MEMORY_MIB)
    return Recycling(jobs or 0, age_s or 0, math.ceil((memory_mib or 0) * _MIB))


def _within(option: str, value: float, low: int, high: int) -> None:
    if not low <= value <= high:
        raise BadOption(f"{option}: {value:g} is not in {low}–{high}")

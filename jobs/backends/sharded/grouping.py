"""Calls about jobs of several shards: each shard gets its own, and the answers come back in the order of the jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from jobs.backends.call import Call, spread
from jobs.domain.shard import in_order, places_by_shard

T = TypeVar("T")
Asker = TypeVar("Asker")
Answer = TypeVar("Answer")


def each_in_its_shard(
    items: Sequence[T],
    id_of: Callable[[T], str],
    shards: Sequence[Asker],
    call: Callable[[Asker, Sequence[T]], Call[list[Answer]]],
) -> Call[list[Answer]]:
    """Return the call for all items; `call` makes that of one shard for its own. Answers are in the order of items."""
    groups = places_by_shard([id_of(item) for item in items], len(shards))
    if len(groups) <= 1:
        return call(shards[next(iter(groups), 0)], items)

    def merge(answers: list[Any]) -> list[Answer]:
        return in_order(list(groups.values()), answers)

    return spread([call(shards[shard], [items[place] for place in places]) for shard, places in groups.items()], merge)


def itself(job_id: str) -> str:
    """Return the id of an item that is one."""
    return job_id

"""Which shard of its namespace a job belongs to: its id says it, and what the id's maker went by."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

MAX_SHARDS = 256
# Keys that differ in their last digits only stay together, as those of one bulk request must.
_TOGETHER_DIGITS = 3
_COUNTED = re.compile(r":(\d+)$")


def shard_of(job_id: str, shards: int) -> int:
    """Return the shard, below `shards`, that a canonical id carries in its last byte."""
    return int(job_id[-2:], 16) % shards if shards > 1 else 0


def places_by_shard(job_ids: Sequence[str], shards: int) -> dict[int, Sequence[int]]:
    """Return which places of the sequence belong to which shard, each in order."""
    if shards == 1:
        return {0: range(len(job_ids))} if job_ids else {}
    found: dict[int, list[int]] = {}
    for place, job_id in enumerate(job_ids):
        found.setdefault(shard_of(job_id, shards), []).append(place)
    return dict(found)


def in_order(groups: Sequence[Sequence[int]], answers: Iterable[Sequence[T]]) -> list[T]:
    """Return the answers to groups of places, in the order of the places."""
    if len(groups) <= 1:
        return list(next(iter(answers), ()))
    placed: dict[int, T] = {}
    for places, some in zip(groups, answers, strict=True):
        placed.update(zip(places, some, strict=True))
    return [placed[place] for place in range(len(placed))]


def shard_of_key(idempotency_key: str, shards: int) -> int:
    """Return the shard of the jobs of an idempotency key, so that a repeat finds the first.

    `order:0` to `order:999` are in one, the next thousand in another, and so on: a bulk request gives its jobs such
    keys, and up to a thousand of them can be stored all or none.
    """
    stem = _COUNTED.sub(lambda found: ":" + found.group(1)[:-_TOGETHER_DIGITS].lstrip("0"), idempotency_key)
    return zlib.crc32(stem.encode("utf-8", "surrogatepass")) % shards

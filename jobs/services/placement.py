"""Which shard a new job goes to."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.job import JobSpec
from jobs.domain.shard import shard_of_key

# So many jobs of one request go together: the store takes them in one step.
_TOGETHER = 50
_chance = random.SystemRandom()

# What says where a job goes, by the pointer to where it stands in a request.
Keys = dict[str, str]


def keys_of(idempotency_key: str | None, spec: JobSpec) -> Keys:
    """Return the keys that say in which shard a job is."""
    found: Keys = {}
    if idempotency_key is not None:
        found["Idempotency-Key"] = idempotency_key
    if spec.unique is not None:
        found["/unique/key"] = spec.unique.key
    if spec.debounce is not None:
        found["/debounce/key"] = spec.debounce.key
    if spec.limit_key is not None:
        found["/limit_key"] = spec.limit_key
    return found


def shards_for(jobs: Sequence[Keys], shards: int, *, in_one: bool = False) -> list[int]:
    """Return a shard for each job, given its keys: that of its keys, else any.

    With `in_one` all get the same one. Raises InvalidInput: `shard_conflict` where the keys of a job are of several,
    `atomic_spans_shards` where those of all are.
    """
    if shards == 1:
        return [0] * len(jobs)
    of_keys = [shard_of_keys(keys, shards) for keys in jobs]
    if in_one:
        return [_one_of(of_keys, shards)] * len(jobs)
    found: list[int] = []
    for place, of_key in enumerate(of_keys):
        if place % _TOGETHER == 0:
            anywhere = _chance.randrange(shards)
        found.append(anywhere if of_key is None else of_key)
    return found


def shard_of_keys(keys: Keys, shards: int) -> int | None:
    """Return the one shard that a job's keys are of; None without any. Raises InvalidInput `shard_conflict`."""
    if shards == 1 or not keys:
        return None
    needed = {shard_of_key(key, shards) for key in keys.values()}
    if len(needed) > 1:
        pointer = next(reversed(keys))
        detail = f"{' and '.join(keys)} are of different shards, and a job is of one."
        raise InvalidInput([Problem(pointer, "shard_conflict", detail)], code="shard_conflict")
    return needed.pop()


def shard_of_all(keys: Iterable[tuple[str, str]], shards: int, there: int | None = None) -> int:
    """Return the one shard of what is stored together, given where its keys stand in a request, and each.

    `there` is the shard of what is stored already. Raises InvalidInput `shard_conflict`.
    """
    if shards == 1:
        return 0
    found, first = there, "what is stored already"
    for pointer, key in keys:
        shard = shard_of_key(key, shards)
        if found is None:
            found, first = shard, pointer
        elif shard != found:
            detail = f"{pointer} and {first} are of different shards, and a workflow is of one."
            raise InvalidInput([Problem(pointer, "shard_conflict", detail)], code="shard_conflict")
    return _chance.randrange(shards) if found is None else found


def _one_of(of_keys: Sequence[int | None], shards: int) -> int:
    needed = {shard for shard in of_keys if shard is not None}
    if len(needed) > 1:
        detail = f"Jobs are stored all or none in one shard, and the keys of these are of {len(needed)}."
        raise InvalidInput([Problem("", "atomic_spans_shards", detail)], code="atomic_spans_shards")
    return needed.pop() if needed else _chance.randrange(shards)

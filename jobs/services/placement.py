"""Which shard a new job goes to."""

from __future__ import annotations

import random
from collections.abc import Sequence

from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.shard import shard_of_key

# So many jobs of one request go together: the store takes them in one step.
_TOGETHER = 50
_chance = random.SystemRandom()


def shards_for(keys: Sequence[str | None], shards: int, *, in_one: bool = False) -> list[int]:
    """Return a shard for each job, given their idempotency keys: that of its key, else any.

    With `in_one` all get the same one. Raises InvalidInput `atomic_spans_shards` where their keys allow none.
    """
    if shards == 1:
        return [0] * len(keys)
    of_keys = [None if key is None else shard_of_key(key, shards) for key in keys]
    if in_one:
        return [_one_of(of_keys, shards)] * len(keys)
    found: list[int] = []
    for place, of_key in enumerate(of_keys):
        if place % _TOGETHER == 0:
            anywhere = _chance.randrange(shards)
        found.append(anywhere if of_key is None else of_key)
    return found


def _one_of(of_keys: Sequence[int | None], shards: int) -> int:
    needed = {shard for shard in of_keys if shard is not None}
    if len(needed) > 1:
        detail = f"Jobs are stored all or none in one shard, and these idempotency keys are of {len(needed)}."
        raise InvalidInput([Problem("Idempotency-Key", "atomic_spans_shards", detail)], code="atomic_spans_shards")
    return needed.pop() if needed else _chance.randrange(shards)

"""From layout 3 of the keys to layout 4: the list of all jobs, an entry an id, comes onto pages (ADR 0065)."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable

from jobs.backends.base import MAX_BATCH
from jobs.backends.call import Call
from jobs.backends.redis.connection import Client
from jobs.backends.redis.keys import PREFIX, Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.backends.redis.script_call import script_call

_OLD_LIST = re.compile(rf"{PREFIX}\{{([^/}}]+)/(\d+)\}}:ids")
# Far less than the minute for which the right to migrate lasts.
_TELL_EVERY_S = 5.0


def onto_pages(client: Client, progress: Callable[[float], None]) -> None:
    """Move the ids of all namespaces. What a call before this one has moved is not there any more."""
    # A scan may name a key twice.
    names = {key.decode() for key in client.scan_iter(match=f"{PREFIX}{{*}}:ids", count=1_000)}
    places = [Keys(found[1], int(found[2])) for found in map(_OLD_LIST.fullmatch, names) if found]
    sizes = {keys: int(client.zcard(keys.named("ids"))) for keys in places}
    tell, runner, total, moved = _Teller(progress), SyncRunner(client), sum(sizes.values()), 0
    for keys, size in sizes.items():
        left = size
        while left:
            left = runner.run(repage(keys))
            tell((moved + size - left) / total)
        moved += size
    progress(1.0)


class _Teller:
    """Tells the progress at once and then every few seconds."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        self._progress = progress
        self._told_at = -math.inf

    def __call__(self, share: float) -> None:
        if time.monotonic() - self._told_at >= _TELL_EVERY_S:
            self._progress(share)
            self._told_at = time.monotonic()


def repage(keys: Keys) -> Call[int]:
    """Move some ids of one shard of a namespace; return how many are left."""
    return script_call("repage", keys, (MAX_BATCH,), int)

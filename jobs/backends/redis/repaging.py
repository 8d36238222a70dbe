"""From layout 3 of the keys to layout 4: the list of all jobs, an entry an id, comes onto pages (ADR 0065)."""

from __future__ import annotations

import re
from collections.abc import Callable

from jobs.backends.base import MAX_BATCH
from jobs.backends.call import Call
from jobs.backends.redis.connection import Client
from jobs.backends.redis.keys import PREFIX, Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.backends.redis.script_call import script_call

_OLD_LIST = re.compile(rf"{PREFIX}\{{([^/}}]+)/(\d+)\}}:ids")
# A few times a second.
_TELL_EACH = 10_000


def onto_pages(client: Client, progress: Callable[[float], None]) -> None:
    """Move the ids of all namespaces. What a call before this one has moved is not there any more."""
    names = {key.decode() for key in client.scan_iter(match=f"{PREFIX}{{*}}:ids", count=1_000)}
    found = map(_OLD_LIST.fullmatch, names)
    places = [Keys(match[1], int(match[2])) for match in found if match]
    left = {keys: int(client.zcard(keys.named("ids"))) for keys in places}
    runner, total, told = SyncRunner(client), sum(left.values()), 0
    progress(0.0)
    for keys in places:
        while left[keys]:
            left[keys] = runner.run(repage(keys))
            done = total - sum(left.values())
            if done - told >= _TELL_EACH:
                progress(done / total)
                told = done
    progress(1.0)


def repage(keys: Keys) -> Call[int]:
    """Move some ids of one shard of a namespace; return how many are left."""
    return script_call("repage", keys, (MAX_BATCH,), int)

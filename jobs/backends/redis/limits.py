"""Builds the calls about the limits of kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from jobs.backends.call import Call, spread
from jobs.backends.redis.codec import pack, text_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.domain.limit import CODE, MAX_LIMITS, Limit, LimitUse, Rate


class _Stored(msgspec.Struct, array_like=True):
    """A limit as include/limits.lua reads it: the share of one shard, then what it is a share of."""

    concurrency: int
    starts: int
    period_ms: int
    burst: int
    set_by: str
    set_at: int
    whole_concurrency: int
    whole_period_ms: int
    whole_burst: int


_decode = msgspec.msgpack.Decoder(_Stored).decode


class RedisLimits:
    """The names follow `jobs.backends.limits.Limits`."""

    def __init__(self, shards: Sequence[Keys]) -> None:
        self._shards = shards

    def all(self) -> Call[list[LimitUse]]:
        """Return every limit and its use, by kind; one that was damaged from outside is passed over."""
        steps = [script_call("limits", keys, (), _read) for keys in self._shards]
        return steps[0] if len(steps) == 1 else spread(steps, _merged)

    def put(self, limit: Limit) -> Call[str]:
        """Limit a kind in every shard."""
        number = len(self._shards)
        parts = [pack(_share(limit, place, number)) for place in range(number)]
        return self._tell(limit.kind, parts, "code" if limit.set_by == CODE else "set")

    def drop(self, kind: str, by: str = "") -> Call[str]:
        """End the limits of a kind in every shard."""
        return self._tell(kind, [b""] * len(self._shards), "code" if by == CODE else "set")

    def _tell(self, kind: str, parts: Sequence[bytes], manner: str) -> Call[str]:
        steps = [
            script_call("limit", keys, (kind, part, manner, MAX_LIMITS), text_of)
            for keys, part in zip(self._shards, parts, strict=True)
        ]
        return steps[0] if len(steps) == 1 else spread(steps, _first_refusal)


def _share(limit: Limit, place: int, number: int) -> list[int | str]:
    """Return the part of one of several shards; a rate is one over a longer time."""
    concurrency, rate = limit.concurrency or 0, limit.rate
    share = max(1, concurrency // number + (place < concurrency % number)) if concurrency else 0
    starts, period_ms, burst = (rate.starts, rate.period_ms, rate.at_once) if rate else (0, 1, 0)
    whole = [concurrency, period_ms, rate.burst if rate else 0]
    return [share, starts, period_ms * number, max(1, burst // number), limit.set_by, limit.set_at, *whole]


def _read(reply: Sequence[Any]) -> list[LimitUse]:
    found = []
    for at in range(0, len(reply), 4):
        try:
            stored = _decode(reply[at + 1])
        except msgspec.MsgspecError:
            continue
        rate = Rate(stored.starts, stored.whole_period_ms, stored.whole_burst) if stored.starts else None
        limit = Limit(
            kind=text_of(reply[at]),
            concurrency=stored.whole_concurrency or None,
            rate=rate,
            set_by=stored.set_by,
            set_at=stored.set_at,
        )
        found.append(LimitUse(limit, int(reply[at + 2]), int(reply[at + 3])))
    return sorted(found, key=lambda use: use.limit.kind)


def _merged(answers: Sequence[list[LimitUse]]) -> list[LimitUse]:
    """Return each limit once, with the use of it in all shards."""
    merged: dict[str, LimitUse] = {}
    for use in (use for answer in answers for use in answer):
        known = merged.get(use.limit.kind)
        running, held = (known.running, known.held) if known else (0, 0)
        merged[use.limit.kind] = LimitUse(use.limit, running + use.running, held + use.held)
    return [merged[kind] for kind in sorted(merged)]


def _first_refusal(answers: Sequence[str]) -> str:
    return next((answer for answer in answers if answer != "set"), "set")

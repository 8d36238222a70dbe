"""Builds the calls about a namespace as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from jobs.backends.call import Call, spread
from jobs.backends.redis.codec import pack
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.backends.tenants import Drained
from jobs.domain.quota import DEFAULT_WEIGHT, OwnRetention, Quota, TenantUse
from jobs.domain.sharing import MAX_WEIGHT

# In both: four parts as include/quota.lua and include/retention.lua read them, then what they are shares of.
_decode = msgspec.msgpack.Decoder(list[int | float | bool]).decode
_PARTS = 4


class RedisTenants:
    """The names follow `jobs.backends.tenants.Tenants`."""

    def __init__(self, shards: Sequence[Keys]) -> None:
        self._shards = shards

    def use(self) -> Call[TenantUse]:
        """Return the rules and what counts against them."""
        return _each([script_call("tenant", keys, (), _read) for keys in self._shards], _merged)

    def set_quota(self, quota: Quota) -> Call[None]:
        """Allow so much from now on."""
        whole = (quota.jobs, quota.bytes, quota.submissions_per_s, quota.running)
        shares = [_shares(whole, place, len(self._shards)) for place in range(len(self._shards))]
        if quota.submissions_per_s is not None:
            # A rate can be divided, and must be: a part of at least one a shard would let more in.
            for share in shares:
                share[2] = quota.submissions_per_s / len(self._shards)
        return self._set("quota", shares, whole)

    def set_retention(self, retention: OwnRetention) -> Call[None]:
        """Keep what has ended so long from now on."""
        whole = (
            retention.ended_age_ms,
            retention.ended_jobs,
            retention.dead_letter_age_ms,
            retention.dead_letters,
        )
        shares = [_shares(whole, place, len(self._shards)) for place in range(len(self._shards))]
        for share in shares:
            share[0], share[2] = _or_false(whole[0]), _or_false(whole[2])
        return self._set("retention", shares, whole)

    def set_weight(self, weight: int) -> Call[None]:
        """Let it have so many turns at workers that serve several."""
        told = b"" if weight == DEFAULT_WEIGHT else b"%d" % weight
        return _each([script_call("tenant_set", keys, ("weight", told), _nothing) for keys in self._shards], _nothing)

    def drain(self, limit: int) -> Call[Drained]:
        """Remove up to `limit` jobs of each shard and, when none is left, all else."""
        steps = [script_call("drain", keys, (limit,), _drained) for keys in self._shards]
        return spread([*steps, script_call("drain_workers", self._shards[0], (limit,), _drained)], _all_drained)

    def _set(self, name: str, shares: Sequence[list[int | float]], whole: Sequence[int | None]) -> Call[None]:
        is_empty = all(part is None for part in whole)
        rules = [b"" if is_empty else pack([*share, *map(_or_false, whole)]) for share in shares]
        steps = [
            script_call("tenant_set", keys, (name, packed), _nothing)
            for keys, packed in zip(self._shards, rules, strict=True)
        ]
        return _each(steps, lambda _: None)


def weight_of(text: bytes) -> int:
    """Return the weight that was set; the usual one where none was, or it was damaged from outside."""
    weight = int(text) if text.isdigit() else DEFAULT_WEIGHT
    return weight if DEFAULT_WEIGHT <= weight <= MAX_WEIGHT else DEFAULT_WEIGHT


def _each(steps: Sequence[Call[Any]], merge: Any) -> Call[Any]:
    return spread(steps, merge)


def _shares(whole: Sequence[int | None], place: int, number: int) -> list[int | float]:
    """Return the parts of one of several shards, which add up to the whole."""
    return [False if part is None else part // number + (place < part % number) for part in whole]


def _or_false(part: int | None) -> int:
    return False if part is None else part


def _nothing(_: object) -> None:
    return None


def _rules(packed: bytes) -> list[int | None]:
    """Return what the shares are shares of; nothing of what was damaged from outside."""
    try:
        whole = _decode(packed)[_PARTS:] if packed else []
    except msgspec.MsgspecError:
        whole = []
    whole = whole if len(whole) == _PARTS else [False] * _PARTS
    return [None if part is False or part is True else int(part) for part in whole]


def _read(reply: Sequence[Any]) -> TenantUse:
    quota, retention, weight, *numbers = reply
    jobs, stored, running, ended, dead = (max(0, int(number)) for number in numbers)
    return TenantUse(
        Quota(*_rules(quota)),
        OwnRetention(*_rules(retention)),
        jobs,
        stored,
        running,
        ended=ended,
        dead_letters=dead,
        weight=weight_of(weight),
    )


def _merged(answers: Sequence[TenantUse]) -> TenantUse:
    first = answers[0]
    return TenantUse(
        first.quota,
        first.retention,
        jobs=sum(use.jobs for use in answers),
        bytes=sum(use.bytes for use in answers),
        running=sum(use.running for use in answers),
        ended=sum(use.ended for use in answers),
        dead_letters=sum(use.dead_letters for use in answers),
        weight=first.weight,
    )


def _drained(reply: Sequence[Any]) -> Drained:
    return Drained(int(reply[0]), more=bool(reply[1]))


def _all_drained(answers: Sequence[Drained]) -> Drained:
    return Drained(sum(step.jobs for step in answers), more=any(step.more for step in answers))

"""Builds the calls about limits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from jobs.backends.call import Call, spread
from jobs.backends.redis.circuits import (
    budget_part,
    circuit_part,
    merged_budget,
    merged_circuit,
    read_budget,
    read_budget_use,
    read_circuit,
    read_circuit_use,
)
from jobs.backends.redis.codec import pack, pairs, text_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.domain.circuit import CircuitState
from jobs.domain.limit import CODE, MAX_LIMITS, Holder, Limit, LimitBy, LimitUse, Rate

# Before the name of what is limited, in the name of the limit; see include/limiter.lua. No kind holds a colon.
_PREFIX = {LimitBy.KIND: "", LimitBy.QUEUE: "q:", LimitBy.KEY: "b:"}
_BY = {prefix: by for by, prefix in _PREFIX.items()}
_ORDER = list(LimitBy)
_SHORTEST = 9


class _Stored(msgspec.Struct, array_like=True):
    """A limit as include/limiter.lua reads it: the share of one shard, then what it is a share of."""

    concurrency: int
    starts: int
    period_ms: int
    burst: int
    set_by: str
    set_at: int
    whole_concurrency: int
    whole_period_ms: int
    whole_burst: int
    path: str = ""
    circuit: list[float] | None = None
    budget: list[float] | None = None


class _Told(msgspec.Struct, array_like=True):
    """What limits.lua packs together of the use of a limit."""

    circuit: list[float | str]
    budget: list[float]
    tokens: int
    holders: list[str]


_decode = msgspec.msgpack.Decoder(_Stored).decode
_decode_told = msgspec.msgpack.Decoder(_Told).decode


class RedisLimits:
    """The names follow `jobs.backends.limits.Limits`."""

    def __init__(self, shards: Sequence[Keys]) -> None:
        self._shards = shards

    def all(self) -> Call[list[LimitUse]]:
        """Return every limit and its use; one that was damaged from outside is passed over."""
        return self._ask([], "", 0)

    def of(
        self, *, kind: str | None = None, queue: str | None = None, key: str | None = None, holders: int = 0
    ) -> Call[list[LimitUse]]:
        """Return those of a kind, of a queue and of a key of the kind."""
        wanted = []
        if kind is not None:
            wanted.append((kind, kind))
        if queue is not None:
            wanted.append((f"q:{queue}", f"q:{queue}"))
        if kind is not None and key is not None:
            wanted.append((f"b:{kind}", f"b:{kind}:{key}"))
        # No limit is called so: whoever asks for nothing gets nothing.
        return self._ask(wanted or [("", "")], key or "", holders)

    def paths(self) -> Call[dict[str, str]]:
        """Return the paths of keys, by kind."""

        def read(reply: Sequence[bytes]) -> dict[str, str]:
            return {text_of(kind): text_of(path) for kind, path in pairs(reply)}

        return script_call("limit_paths", self._shards[0], (), read)

    def put(self, limit: Limit) -> Call[str]:
        """Limit something in every shard."""
        number = 1 if limit.by is LimitBy.KEY else len(self._shards)
        parts = [pack(_share(limit, place % number, number)) for place in range(len(self._shards))]
        name = _PREFIX[limit.by] + limit.name
        return self._tell(name, parts, limit.path or "", "code" if limit.set_by == CODE else "set")

    def drop(self, name: str, by: LimitBy = LimitBy.KIND, set_by: str = "") -> Call[str]:
        """End the limits of something in every shard."""
        manner = "code" if set_by == CODE else "set"
        return self._tell(_PREFIX[by] + name, [b""] * len(self._shards), "", manner)

    def turn(self, kind: str, state: CircuitState, by: str, reason: str) -> Call[bool]:
        """Open or close the circuit of a kind in every shard."""
        steps = [script_call("circuit", keys, (kind, state, by, reason), _is_set) for keys in self._shards]
        return steps[0] if len(steps) == 1 else spread(steps, any)

    def _ask(self, wanted: Sequence[tuple[str, str]], key: str, holders: int) -> Call[list[LimitUse]]:
        steps = [script_call("limits", keys, (pack(wanted), holders), partial(_read, key)) for keys in self._shards]
        return steps[0] if len(steps) == 1 else spread(steps, partial(_merged, holders))

    def _tell(self, name: str, parts: Sequence[bytes], path: str, manner: str) -> Call[str]:
        steps = [
            script_call("limit", keys, (name, part, path, manner, MAX_LIMITS), text_of)
            for keys, part in zip(self._shards, parts, strict=True)
        ]
        return steps[0] if len(steps) == 1 else spread(steps, _first_refusal)


def _share(limit: Limit, place: int, number: int) -> list[object]:
    """Return the part of one of several shards; a rate is one over a longer time."""
    concurrency, rate = limit.concurrency or 0, limit.rate
    share = max(1, concurrency // number + (place < concurrency % number)) if concurrency else 0
    starts, period_ms, burst = (rate.starts, rate.period_ms, rate.at_once) if rate else (0, 1, 0)
    whole = [concurrency, period_ms, rate.burst if rate else 0]
    bucket = [starts, period_ms * number, max(1, burst // number)]
    part: list[object] = [share, *bucket, limit.set_by, limit.set_at, *whole, limit.path or ""]
    part += [circuit_part(limit.circuit, number), budget_part(limit.retry_budget, number)]
    # What stands at its default at the end is left out.
    while not part[-1] and len(part) > _SHORTEST:
        part.pop()
    return part


def _read(key: str, reply: Sequence[Any]) -> list[LimitUse]:
    found = []
    for name, packed, running, held, lists, next_at, told in pairs(reply, 7):
        try:
            limit, its_told = _limit(text_of(name), _decode(packed)), _decode_told(told)
        except msgspec.MsgspecError:
            continue
        is_of_keys = limit.by is LimitBy.KEY
        keys = int(lists) if is_of_keys else 0
        its_key = key if is_of_keys else ""
        use = LimitUse(limit, int(running), int(held), keys, int(next_at), its_key)
        found.append(_with_told(use, its_told))
    return sorted(found, key=_place)


def _with_told(use: LimitUse, told: _Told) -> LimitUse:
    holders = tuple(Holder(job_id, int(float(since))) for job_id, since in pairs(told.holders))
    return msgspec.structs.replace(
        use,
        circuit=read_circuit_use(told.circuit),
        budget=read_budget_use(told.budget),
        tokens=None if told.tokens < 0 else told.tokens,
        holders=holders,
    )


def _limit(name: str, stored: _Stored) -> Limit:
    prefix = name[:2] if name[:2] in _BY else ""
    return Limit(
        by=_BY[prefix],
        name=name.removeprefix(prefix),
        path=stored.path or None,
        concurrency=stored.whole_concurrency or None,
        rate=Rate(stored.starts, stored.whole_period_ms, stored.whole_burst) if stored.starts else None,
        circuit=read_circuit(stored.circuit),
        retry_budget=read_budget(stored.budget),
        set_by=stored.set_by,
        set_at=stored.set_at,
    )


def _place(use: LimitUse) -> tuple[int, str]:
    return _ORDER.index(use.limit.by), use.limit.name


def _merged(named: int, answers: Sequence[list[LimitUse]]) -> list[LimitUse]:
    """Return each limit once, with the use of it in all shards."""
    merged: dict[tuple[int, str], LimitUse] = {}
    for use in (use for answer in answers for use in answer):
        known = merged.get(_place(use))
        if known is not None:
            # What waits for a token in one shard may start in another before.
            soonest = min(use.next_at, known.next_at) if not use.key else max(use.next_at, known.next_at)
            running, held = known.running + use.running, known.held + use.held
            keys, circuit = known.held_keys + use.held_keys, merged_circuit(known.circuit, use.circuit)
            budget = merged_budget(known.budget, use.budget)
            tokens = None if use.tokens is None else use.tokens + (known.tokens or 0)
            holders = tuple(sorted(known.holders + use.holders, key=lambda holder: holder.since)[:named])
            merged[_place(use)] = LimitUse(
                use.limit, running, held, keys, soonest, use.key, circuit, budget, tokens, holders
            )
        else:
            merged[_place(use)] = use
    return [merged[place] for place in sorted(merged)]


def _is_set(answer: bytes) -> bool:
    return answer == b"set"


def _first_refusal(answers: Sequence[str]) -> str:
    return next((answer for answer in answers if answer != "set"), "set")

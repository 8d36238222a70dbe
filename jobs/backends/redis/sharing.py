"""Builds the calls about fair queues."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jobs.backends.call import Call, spread
from jobs.backends.redis.codec import pack, text_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.domain.sharing import Share


class _Stored(msgspec.Struct, array_like=True):
    """A share as include/fair.lua reads it; the weights are pairs in a row. One that ends is 0 until all is moved."""

    is_on: int
    weights: list[str | int]
    set_by: str
    set_at: int


_decode = msgspec.msgpack.Decoder(_Stored).decode


class RedisSharing:
    """The names follow `jobs.backends.sharing.Sharing`."""

    def __init__(self, shards: Sequence[Keys]) -> None:
        self._shards = shards

    def all(self) -> Call[dict[str, Share]]:
        """Return how each fair queue is shared, by name; one that was damaged from outside is passed over."""
        steps = [script_call("shares", keys, (), _read) for keys in self._shards]
        return steps[0] if len(steps) == 1 else spread(steps, _merged)

    def put(self, queue: str, share: Share) -> Call[bool]:
        """Make a queue fair in every shard."""
        weights = [part for pair in share.weights for part in pair]
        return self._tell(queue, pack([1, weights, share.set_by, share.set_at]))

    def drop(self, queue: str) -> Call[bool]:
        """Make a queue one that goes by time again in every shard."""
        return self._tell(queue, b"")

    def _tell(self, queue: str, share: bytes) -> Call[bool]:
        steps = [script_call("share", keys, (queue, share), bool) for keys in self._shards]
        return steps[0] if len(steps) == 1 else spread(steps, all)


def _read(reply: Sequence[bytes]) -> dict[str, Share]:
    found = {}
    for name, packed in zip(reply[::2], reply[1::2], strict=True):
        try:
            stored = _decode(packed)
            pairs = list(zip(stored.weights[::2], stored.weights[1::2], strict=True))
        except (msgspec.MsgspecError, ValueError):
            continue
        if stored.is_on == 1:
            weights = tuple((str(key), int(weight)) for key, weight in pairs)
            found[text_of(name)] = Share(weights=weights, set_by=stored.set_by, set_at=stored.set_at)
    return dict(sorted(found.items()))


def _merged(answers: Sequence[dict[str, Share]]) -> dict[str, Share]:
    """Return each once: all shards have the same."""
    merged: dict[str, Share] = {}
    for answer in answers:
        merged |= answer
    return dict(sorted(merged.items()))

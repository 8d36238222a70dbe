"""Builds the calls about the URLs that kinds are bound to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from jobs.backends.call import Call, spread
from jobs.backends.redis.codec import pairs, text_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.domain.endpoint import MAX_ENDPOINTS, WEBHOOK, Endpoint

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Endpoint).decode


class RedisEndpoints:
    """The names follow `jobs.backends.endpoints.Endpoints`."""

    def __init__(self, shards: Sequence[Keys]) -> None:
        self._shards = shards
        self._keys = shards[0]

    def all(self) -> Call[list[Endpoint]]:
        """Return every binding, by kind; one that was damaged from outside is passed over."""
        return script_call("endpoints", self._keys, (), _read)

    def bind(self, endpoint: Endpoint, before: Endpoint | None) -> Call[str]:
        """Put a binding in the place of `before`: `bound`, `changed` or `too_many`."""
        expected = b"" if before is None else _encode(before)
        args = (endpoint.kind, _encode(endpoint), expected, MAX_ENDPOINTS + (endpoint.kind == WEBHOOK))
        return script_call("bind", self._keys, args, text_of)

    def subscribe(self, statuses: Sequence[str]) -> Call[None]:
        """Tell every shard which ends of jobs the namespace's webhook hears of; none: of no end."""
        steps = [script_call("subscribe", keys, (" ".join(statuses),), _nothing) for keys in self._shards]
        return steps[0] if len(steps) == 1 else spread(steps, _nothing)

    def unbind(self, kind: str) -> Call[None]:
        """Remove the binding of a kind, if there is one."""
        return script_call("unbind", self._keys, (kind,), _nothing)


def _read(reply: Sequence[Any]) -> list[Endpoint]:
    found = []
    for _, text in pairs(reply):
        try:
            found.append(_decode(text))
        except msgspec.MsgspecError:
            continue
    return sorted(found, key=lambda endpoint: endpoint.kind)


def _nothing(_: object) -> None:
    return None

"""Builds a call: the script's header says which keys it needs, `Keys` says what they are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from jobs.backends.call import Call
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.scripts import load_header

T = TypeVar("T")


def script_call(
    name: str, keys: Keys, args: tuple[str | bytes | int | float, ...], decode: Callable[[Any], T], **given: str
) -> Call[T]:
    """Return the call of script `name`; `given` are keys that the script takes under a name of its own."""
    names = load_header(name).key_names
    if given:
        return Call(name, tuple(given.get(key) or keys.named(key) for key in names), args, decode, keys.shard)
    return Call(name, keys.all_named(names), args, decode, keys.shard_of(names))

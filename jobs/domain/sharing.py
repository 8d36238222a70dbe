"""Fair queues: how the keys of a queue's jobs share it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

MAX_WEIGHT = 100
MAX_WEIGHTS = 100
# A key, or the start of keys with a star; what a key may be is `limit_key`'s business.
_NAME = re.compile(r"^[^\x00-\x1f\x7f*]{0,200}\*?$")


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A fair queue: its keys take turns. A key is a job's `limit_key`, or its kind where it has none.

    `weights` has keys, or the start of keys with a star, and how many turns each has for one of others; the first that
    fits counts, else 1. `set_by` is an actor's name, `set_at` in Unix ms.
    """

    weights: tuple[tuple[str, int], ...] = ()
    set_by: str = ""
    set_at: int = 0


def share_faults(weights: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return what is wrong with weights by key: the key, and what in words; [] for sound ones."""
    if len(weights) > MAX_WEIGHTS:
        return [("", f"a queue has at most {MAX_WEIGHTS} weights")]
    faults = []
    for name, weight in weights.items():
        if not name or not _NAME.match(name):
            faults.append((name, "a key has 1–200 characters, and a star only at its end"))
        elif not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight <= MAX_WEIGHT:
            faults.append((name, f"a weight is 1–{MAX_WEIGHT}"))
    return faults

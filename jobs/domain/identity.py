"""Identity of a job: a UUIDv7 (RFC 9562, section 5.7) whose last byte carries the shard.

Ids made by one process rise strictly, also within one millisecond, so that ties in a queue keep submission order.
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections.abc import Callable

from jobs.domain.shard import MAX_SHARDS

# 48 bits of time, the version, 12 bits of time, the rest.
_FORM = "%08x-%04x-7%03x-%04x-%012x"
_COUNTER_BITS = 18

# An id is no secret, it must only be unlike all others: a generator seeded by the system is as good and far quicker.
_chance = random.Random()
os.register_at_fork(after_in_child=_chance.seed)


class IdentityMaker:
    """Makes ids; safe to share between threads.

    The 12 bits after the time stamp hold the fraction of the millisecond (RFC 9562, method 3) and the next 18 bits a
    counter that starts at random in its lower half; 36 random bits and the shard byte follow.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._last_tick = -1
        self._counter = 0

    def make(self, shard: int = 0) -> str:
        """Return a new id in the usual 36-character form. `shard` is 0–255."""
        if not 0 <= shard < MAX_SHARDS:
            raise ValueError(f"shard must be 0–{MAX_SHARDS - 1}, not {shard}")
        milliseconds, remainder_ns = divmod(self._clock_ns(), 1_000_000)
        tick = (milliseconds << 12) | (remainder_ns * 4096 // 1_000_000)
        with self._lock:
            if tick > self._last_tick:
                self._last_tick = tick
                self._counter = _chance.getrandbits(_COUNTER_BITS - 1)
            else:
                self._counter += 1
                if self._counter >> _COUNTER_BITS:
                    self._last_tick += 1
                    self._counter = 0
            tick, counter = self._last_tick, self._counter
        milliseconds = tick >> 12
        # The variant (0b10) and the upper 14 bits of the counter, then its other 4 bits, chance and the shard.
        tail = (counter & 0xF) << 44 | _chance.getrandbits(36) << 8 | shard
        return _FORM % (milliseconds >> 16, milliseconds & 0xFFFF, tick & 0xFFF, 0x8000 | counter >> 4, tail)


def parse_id(text: str) -> str | None:
    """Return the canonical form of a job id, or None if `text` is not one."""
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        return None
    canonical = str(parsed)
    if parsed.version != 7 or parsed.variant != uuid.RFC_4122 or canonical != text.lower():
        return None
    return canonical


def created_ms(job_id: str) -> int:
    """Return the Unix time in ms that a canonical id carries."""
    return int(job_id[:8] + job_id[9:13], 16)


def last_id_of(at_ms: int) -> str:
    """Return what no id that was made by that time (Unix ms) stands behind; an id of the right form, but of no job."""
    at_ms = min(max(at_ms, 0), (1 << 48) - 1)
    return _FORM % (at_ms >> 16, at_ms & 0xFFFF, 0xFFF, 0xBFFF, (1 << 48) - 1)

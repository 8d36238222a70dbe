"""Limits of a kind, a queue or each key of a kind: how many jobs run at once, and how many start in a time."""

from __future__ import annotations

from enum import StrEnum

import msgspec

MAX_CONCURRENCY = 100_000
MAX_STARTS = 1_000_000
MAX_PERIOD_MS = 86_400_000
# Of a namespace: each listing reads them all.
MAX_LIMITS = 500
# Who set what a handler says of itself; no actor is called so.
CODE = "code"


class Rate(msgspec.Struct, frozen=True):
    """So many starts in `period_ms`, as a bucket of tokens: it fills evenly, and holds `burst` of them.

    A burst of 0 is one of `starts`.
    """

    starts: int
    period_ms: int = 1_000
    burst: int = 0

    @property
    def at_once(self) -> int:
        """Return how many may start together when none started for long."""
        return self.burst or self.starts


class LimitBy(StrEnum):
    """What a limit counts together: jobs of a kind, of a queue, or of each key of a kind."""

    KIND = "kind"
    QUEUE = "queue"
    KEY = "key"


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What limits the kind or queue `name`, or each key of the kind; None: nothing does.

    `path` is where the payload has the key of a job that was given none, None: nowhere. `set_by` is an actor's name, or
    CODE; `set_at` in Unix ms.
    """

    by: LimitBy = LimitBy.KIND
    name: str
    path: str | None = None
    concurrency: int | None = None
    rate: Rate | None = None
    set_by: str = ""
    set_at: int = 0

    def is_like(self, other: Limit) -> bool:
        """Tell whether both limit alike, whoever set them."""
        return (self.path, self.concurrency, self.rate) == (other.path, other.concurrency, other.rate)

    def at(self, now_ms: int) -> Limit:
        """Return it as set at a time (Unix ms)."""
        return msgspec.structs.replace(self, set_at=now_ms)


class LimitUse(msgspec.Struct, frozen=True):
    """A limit and how full it is: jobs that run, where their number is limited, and that it holds back.

    Of the limit of keys, `key` is which of them is meant; "": all, `held_keys` says how many hold jobs back, and
    nothing how many jobs run. `next_at` is when its rate lets the next job start (Unix ms), 0: now.
    """

    limit: Limit
    running: int
    held: int
    held_keys: int = 0
    next_at: int = 0
    key: str = ""

    @property
    def is_full(self) -> bool:
        """Tell whether no job may start now."""
        return self.next_at > 0 or (self.limit.concurrency is not None and self.running >= self.limit.concurrency)


def limit_faults(concurrency: int | None, rate: Rate | None) -> list[str]:
    """Return what is wrong with a limit, in words; [] for a sound one."""
    faults = []
    if concurrency is not None and not 1 <= concurrency <= MAX_CONCURRENCY:
        faults.append(f"concurrency must be 1–{MAX_CONCURRENCY}, not {concurrency}")
    if rate is not None and not 1 <= rate.starts <= MAX_STARTS:
        faults.append(f"a rate has 1–{MAX_STARTS} starts, not {rate.starts}")
    if rate is not None and not 1 <= rate.period_ms <= MAX_PERIOD_MS:
        faults.append(f"the period of a rate is 1–{MAX_PERIOD_MS} ms, not {rate.period_ms}")
    if rate is not None and not 0 <= rate.burst <= MAX_STARTS:
        faults.append(f"the burst of a rate is 1–{MAX_STARTS}, not {rate.burst}")
    return faults

"""Limits as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.instant import instant, rfc3339
from jobs.domain.limit import LimitBy, LimitUse


class RateShape(msgspec.Struct, frozen=True):
    """So many starts in `period_ms`, at most `burst` of them together."""

    starts: int
    period_ms: int
    burst: int


class LimitShape(msgspec.Struct, frozen=True, kw_only=True):
    """What limits a kind or a queue, or each key of a kind; null: nothing does. `set_by` is `code` where a handler asks
    for it.

    `running` of its jobs count against `concurrency`, and `held` are queued and held back. Of the limit of keys, `path`
    is where payloads have them, `held_keys` of them hold jobs back, and `running` is 0 unless one `key` was asked for.
    `next_at` is when its rate lets the next job start, null: now.
    """

    by: LimitBy
    name: str
    path: str | None
    key: str | None
    concurrency: int | None
    rate: RateShape | None
    running: int
    held: int
    held_keys: int
    next_at: str | None
    set_by: str
    set_at: str


class LimitListShape(msgspec.Struct, frozen=True):
    """All limits."""

    data: tuple[LimitShape, ...]
    page: PageShape = PageShape()


def limit_shape(use: LimitUse) -> LimitShape:
    """Return a limit and its use."""
    limit = use.limit
    return LimitShape(
        by=limit.by,
        name=limit.name,
        path=limit.path,
        key=use.key or None,
        concurrency=limit.concurrency,
        rate=None if limit.rate is None else RateShape(limit.rate.starts, limit.rate.period_ms, limit.rate.at_once),
        running=use.running,
        held=use.held,
        held_keys=use.held_keys,
        next_at=rfc3339(use.next_at or None),
        set_by=limit.set_by,
        set_at=instant(limit.set_at),
    )

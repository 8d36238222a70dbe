"""Limits of kinds as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.instant import instant
from jobs.domain.limit import LimitUse


class RateShape(msgspec.Struct, frozen=True):
    """So many starts in `period_ms`, at most `burst` of them together."""

    starts: int
    period_ms: int
    burst: int


class LimitShape(msgspec.Struct, frozen=True, kw_only=True):
    """What limits a kind; null: nothing does. `set_by` is `code` where a handler asks for it.

    `running` of its jobs count against `concurrency`, and `held` are queued and held back.
    """

    kind: str
    concurrency: int | None
    rate: RateShape | None
    running: int
    held: int
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
        kind=limit.kind,
        concurrency=limit.concurrency,
        rate=None if limit.rate is None else RateShape(limit.rate.starts, limit.rate.period_ms, limit.rate.at_once),
        running=use.running,
        held=use.held,
        set_by=limit.set_by,
        set_at=instant(limit.set_at),
    )

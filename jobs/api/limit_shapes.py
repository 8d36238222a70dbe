"""Limits as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.circuit import BudgetUse, CircuitState, CircuitUse
from jobs.domain.instant import instant, rfc3339
from jobs.domain.limit import LimitBy, LimitUse


class RateShape(msgspec.Struct, frozen=True):
    """So many starts in `period_ms`, at most `burst` of them together."""

    starts: int
    period_ms: int
    burst: int


class CircuitShape(msgspec.Struct, frozen=True):
    """When too many attempts fail, and how the circuit is. `until` it stays open, null: until it is closed by hand.

    `attempts` and `failures` are those of its window or, where it is not closed, of the jobs on trial, of which
    `on_trial` run. It `opened` so often in a row; `by` whom, where somebody opened it by hand.
    """

    percent: int
    least: int
    window_ms: int
    cool_down_ms: int
    max_cool_down_ms: int
    probes: int
    state: CircuitState
    since: str | None
    until: str | None
    opened: int
    attempts: int
    failures: int
    on_trial: int
    by: str | None
    reason: str


class BudgetShape(msgspec.Struct, frozen=True):
    """How many retries a kind has, and in its window first attempts that ended and retries that were granted."""

    percent: int
    per_minute: int
    window_ms: int
    first_attempts: int
    retries: int
    is_spent: bool


class HolderShape(msgspec.Struct, frozen=True):
    """A job that has a place of a limit, and since when it runs; null for one that ran before it was limited."""

    job_id: str
    since: str | None


class LimitShape(msgspec.Struct, frozen=True, kw_only=True):
    """What limits a kind or a queue, or each key of a kind; null: nothing does. `set_by` is `code` where a handler asks
    for it.

    `running` of its jobs count against `concurrency`, and `held` are queued and held back. Of the limit of keys, `path`
    is where payloads have them, `held_keys` of them hold jobs back, and `running` is 0 unless one `key` was asked for.
    By its rate `starts_left` may start now, null: it has no rate, and the next one at `next_at`, null: now. `holders`
    are the jobs that have run longest, up to 50, where `concurrency` is limited; [] in the list of all limits, and of
    keys unless one was asked for. Only kinds have a `circuit` and a `retry_budget`.
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
    starts_left: int | None
    next_at: str | None
    holders: tuple[HolderShape, ...]
    circuit: CircuitShape | None
    retry_budget: BudgetShape | None
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
        starts_left=use.tokens,
        next_at=rfc3339(use.next_at or None),
        holders=tuple(HolderShape(holder.job_id, rfc3339(holder.since or None)) for holder in use.holders),
        circuit=_circuit_shape(use),
        retry_budget=_budget_shape(use),
        set_by=limit.set_by,
        set_at=instant(limit.set_at),
    )


def _circuit_shape(use: LimitUse) -> CircuitShape | None:
    rule, told = use.limit.circuit, use.circuit or CircuitUse()
    if rule is None:
        return None
    return CircuitShape(
        **msgspec.structs.asdict(rule),
        state=told.state,
        since=rfc3339(told.since or None),
        until=rfc3339(told.until or None) if told.state is CircuitState.OPEN else None,
        opened=told.opened,
        attempts=told.attempts,
        failures=told.failures,
        on_trial=told.on_trial,
        by=told.by or None,
        reason=told.reason,
    )


def _budget_shape(use: LimitUse) -> BudgetShape | None:
    rule, told = use.limit.retry_budget, use.budget or BudgetUse()
    if rule is None:
        return None
    counts = {"first_attempts": told.first_attempts, "retries": told.retries}
    return BudgetShape(**msgspec.structs.asdict(rule), **counts, is_spent=told.is_spent(rule))

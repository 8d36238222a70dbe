"""Limits of a kind, a queue or each key of a kind: how many jobs run at once, start in a time and are tried in vain."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from jobs.domain.circuit import BudgetUse, Circuit, CircuitState, CircuitUse, RetryBudget

MAX_CONCURRENCY = 100_000
MAX_STARTS = 1_000_000
MAX_PERIOD_MS = 86_400_000
# Of a namespace: each listing reads them all.
MAX_LIMITS = 500
# Who looks at one limit is told the jobs that hold its places, up to so many.
MAX_HOLDERS = 50
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
    """What limits the kind or queue `name`, or each key of the kind; None: nothing does. Only kinds have the last two.

    `path` is where the payload has the key of a job that was given none, None: nowhere. `set_by` is an actor's name, or
    CODE; `set_at` in Unix ms.
    """

    by: LimitBy = LimitBy.KIND
    name: str
    path: str | None = None
    concurrency: int | None = None
    rate: Rate | None = None
    circuit: Circuit | None = None
    retry_budget: RetryBudget | None = None
    set_by: str = ""
    set_at: int = 0

    def is_like(self, other: Limit) -> bool:
        """Tell whether both limit alike, whoever set them."""
        return self._terms() == other._terms()

    @property
    def is_empty(self) -> bool:
        """Tell whether it limits nothing."""
        return self._terms()[1:] == (None,) * 4

    def _terms(self) -> tuple[object, ...]:
        return (self.path, self.concurrency, self.rate, self.circuit, self.retry_budget)

    def at(self, now_ms: int) -> Limit:
        """Return it as set at a time (Unix ms)."""
        return msgspec.structs.replace(self, set_at=now_ms)


class Holder(msgspec.Struct, frozen=True):
    """A job that has a place, and since when it runs (Unix ms); 0 for one that ran before it was limited."""

    job_id: str
    since: int


class LimitUse(msgspec.Struct, frozen=True):
    """A limit and how full it is: jobs that run, where their number is limited, and that it holds back.

    Of the limit of keys, `key` is which of them is meant; "": all, `held_keys` says how many hold jobs back, and
    nothing how many jobs run. `next_at` is when its rate lets the next job start (Unix ms), 0: now. `circuit` and
    `budget` are None where the limit has none. `tokens` is how many may start now by its rate, None without one.
    `holders` are jobs that run, the longest first, as many as were asked for; only where their number is limited.
    """

    limit: Limit
    running: int
    held: int
    held_keys: int = 0
    next_at: int = 0
    key: str = ""
    circuit: CircuitUse | None = None
    budget: BudgetUse | None = None
    tokens: int | None = None
    holders: tuple[Holder, ...] = ()

    @property
    def is_shut(self) -> bool:
        """Tell whether its circuit lets nothing start."""
        return self.circuit is not None and self.circuit.state is CircuitState.OPEN

    @property
    def is_resting(self) -> bool:
        """Tell whether its circuit is not closed: nothing starts, or some on trial."""
        return self.circuit is not None and self.circuit.state is not CircuitState.CLOSED

    @property
    def has_spent_budget(self) -> bool:
        """Tell whether its retry budget puts the next failed attempt off."""
        granted = self.limit.retry_budget
        return granted is not None and self.budget is not None and self.budget.is_spent(granted)

    @property
    def retries_granted(self) -> int:
        """Return how many retries its budget has for the window so far; 0 without one."""
        granted = self.limit.retry_budget
        return int((self.budget or BudgetUse()).granted(granted)) if granted else 0

    @property
    def is_full(self) -> bool:
        """Tell whether no job may start now."""
        most = self.limit.concurrency
        return self.is_shut or self.next_at > 0 or (most is not None and self.running >= most)


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

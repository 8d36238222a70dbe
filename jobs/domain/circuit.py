"""Circuits and retry budgets of kinds: what keeps a kind that fails from being tried in vain."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

MAX_WINDOW_MS = 3_600_000
MIN_WINDOW_MS = 1_000
MAX_LEAST = 10_000
MIN_COOL_DOWN_MS, MAX_COOL_DOWN_MS = 100, 86_400_000
# The store keeps who is on trial.
MAX_PROBES = 20
MAX_PER_MINUTE = 1_000_000


class Circuit(msgspec.Struct, frozen=True):
    """When a kind is given a rest: `percent` of at least `least` attempts failed within `window_ms`.

    Then none starts for `cool_down_ms`, doubled each time in a row up to `max_cool_down_ms`, until `probes` jobs on
    trial end with fewer failures.
    """

    percent: int = 50
    least: int = 20
    window_ms: int = 60_000
    cool_down_ms: int = 30_000
    max_cool_down_ms: int = 600_000
    probes: int = 3


class RetryBudget(msgspec.Struct, frozen=True):
    """How many retries a kind has in `window_ms`: `percent` of the first attempts, and `per_minute` beside them."""

    percent: int = 20
    per_minute: int = 10
    window_ms: int = 60_000


class CircuitState(StrEnum):
    """Jobs start · none starts · some start on trial."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


def worst_of(states: Iterable[CircuitState]) -> CircuitState:
    """Return the state that lets the fewest jobs start: it is what is told of several shards."""
    return min(states, key=(CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED).index)


class CircuitUse(msgspec.Struct, frozen=True):
    """How a circuit is, since when (Unix ms, 0: always), and until when it stays open, 0: until somebody closes it.

    `attempts` and `failures` are those of its window or, where it is not closed, of the jobs on trial; `on_trial` run.
    `opened` is how often it opened in a row. `by` is who opened it by hand, "": nobody.
    """

    state: CircuitState = CircuitState.CLOSED
    until: int = 0
    opened: int = 0
    since: int = 0
    by: str = ""
    reason: str = ""
    attempts: int = 0
    failures: int = 0
    on_trial: int = 0


class BudgetUse(msgspec.Struct, frozen=True):
    """First attempts that ended in the window of a retry budget, and retries that it granted."""

    first_attempts: int = 0
    retries: int = 0

    def granted(self, budget: RetryBudget) -> float:
        """Return how many retries the budget has for its window so far, those that it granted among them."""
        return self.first_attempts * budget.percent / 100 + budget.per_minute * budget.window_ms / 60_000

    def is_spent(self, budget: RetryBudget) -> bool:
        """Tell whether the next failed attempt is put off."""
        return self.granted(budget) - self.retries < 1


def circuit_faults(circuit: Circuit | None, budget: RetryBudget | None) -> list[str]:
    """Return what is wrong with a circuit and a retry budget, in words; [] for sound ones."""
    bounds: list[tuple[str, int, int, int]] = []
    if circuit is not None:
        bounds += [
            ("percent of a circuit", circuit.percent, 1, 100),
            ("least of a circuit", circuit.least, 1, MAX_LEAST),
            ("window_ms of a circuit", circuit.window_ms, MIN_WINDOW_MS, MAX_WINDOW_MS),
            ("cool_down_ms of a circuit", circuit.cool_down_ms, MIN_COOL_DOWN_MS, MAX_COOL_DOWN_MS),
            ("max_cool_down_ms of a circuit", circuit.max_cool_down_ms, circuit.cool_down_ms, MAX_COOL_DOWN_MS),
            ("probes of a circuit", circuit.probes, 1, MAX_PROBES),
        ]
    if budget is not None:
        bounds += [
            ("percent of a retry budget", budget.percent, 0, 100),
            ("per_minute of a retry budget", budget.per_minute, 0, MAX_PER_MINUTE),
            ("window_ms of a retry budget", budget.window_ms, MIN_WINDOW_MS, MAX_WINDOW_MS),
        ]
    return [
        f"{name} must be {low}–{high}, not {value}" for name, value, low, high in bounds if not low <= value <= high
    ]

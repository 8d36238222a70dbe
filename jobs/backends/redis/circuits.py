"""How circuits and retry budgets are written for the scripts and read from them; see include/circuit.lua."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from jobs.backends.redis.codec import pairs, text_of
from jobs.domain.circuit import BudgetUse, Circuit, CircuitState, CircuitUse, RetryBudget, worst_of

_OPEN = 1
_STATES = {0: CircuitState.CLOSED, 1: CircuitState.OPEN, 2: CircuitState.HALF_OPEN}


def circuit_part(circuit: Circuit | None, number: int) -> list[float] | None:
    """Return what one of `number` shards keeps: its share of attempts and of trials, then the whole of both."""
    if circuit is None:
        return None
    least, probes = -(-circuit.least // number), -(-circuit.probes // number)
    times = [circuit.window_ms, circuit.cool_down_ms, circuit.max_cool_down_ms]
    return [circuit.percent, least, *times, probes, circuit.least, circuit.probes]


def budget_part(budget: RetryBudget | None, number: int) -> list[float] | None:
    """Return what one of `number` shards keeps: its share of the retries beside the percentage, then the whole."""
    if budget is None:
        return None
    return [budget.percent, budget.per_minute / number, budget.window_ms, budget.per_minute]


def read_circuit(part: Sequence[float] | None) -> Circuit | None:
    """Return the whole of which `part` is a share."""
    if part is None:
        return None
    percent, _, window_ms, cool_down_ms, max_cool_down_ms, _, least, probes = map(int, part)
    return Circuit(percent, least, window_ms, cool_down_ms, max_cool_down_ms, probes)


def read_budget(part: Sequence[float] | None) -> RetryBudget | None:
    """Return the whole of which `part` is a share."""
    if part is None:
        return None
    percent, _, window_ms, per_minute = map(int, part)
    return RetryBudget(percent, per_minute, window_ms)


def read_circuit_use(told: Sequence[float | str]) -> CircuitUse | None:
    """Return what limits.lua tells of a circuit, None where there is none."""
    if not told:
        return None
    number, until, opened, since, by, reason, *counts = told
    state = _STATES.get(int(number), CircuitState.CLOSED)
    return CircuitUse(state, int(until), int(opened), int(since), str(by), str(reason), *map(int, counts))


def read_budget_use(told: Sequence[float]) -> BudgetUse | None:
    """Return what limits.lua tells of a retry budget, None where there is none."""
    return BudgetUse(*map(int, told)) if told else None


def states_of(flat: Sequence[bytes], now: int) -> dict[str, CircuitState]:
    """Return the states of circuits by kind, of what the store keeps of each; one that was damaged is passed over."""
    found = {}
    for name, packed in pairs(flat):
        # The windows of retry budgets stand beside them.
        if not name.startswith(b"r:"):
            try:
                kept = msgspec.msgpack.decode(packed, type=list[Any])
                state = state_at(int(kept[0]), int(kept[1]), now)
            except (msgspec.MsgspecError, ValueError, TypeError, IndexError, KeyError):
                continue
            found[text_of(name)] = state
    return found


def state_at(number: int, until: int, now: int) -> CircuitState:
    """Return a state by its number, half open where an open one has cooled down. Raises KeyError."""
    is_over = number == _OPEN and 0 < until <= now
    return CircuitState.HALF_OPEN if is_over else _STATES[number]


def merged_circuit(one: CircuitUse | None, other: CircuitUse | None) -> CircuitUse | None:
    """Return the worse of two shards, with the counts of both."""
    if one is None or other is None:
        return one or other
    worse = one if worst_of((one.state, other.state)) is one.state else other
    return msgspec.structs.replace(
        worse,
        attempts=one.attempts + other.attempts,
        failures=one.failures + other.failures,
        on_trial=one.on_trial + other.on_trial,
    )


def merged_budget(one: BudgetUse | None, other: BudgetUse | None) -> BudgetUse | None:
    """Return the counts of two shards together."""
    if one is None or other is None:
        return one or other
    return BudgetUse(one.first_attempts + other.first_attempts, one.retries + other.retries)

"""Whose turn it is among those that share something: start-time fair queueing (Goyal, Vin and Cheng, 1996) over names.

Who has more weight has its turn more often. Nobody saves turns up while it wants nothing, and nobody owes more than
what it took at once. Pure: what fair queues do in the store for jobs, this does in a worker for claims.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Turn:
    """`end` is where what it took so far ends; `last` the number of its last turn, which is charged by `rate`."""

    weight: int = 1
    rate: int = 1
    end: float = 0.0
    last: int = 0


class Rotation:
    """A name is known from its first mention until it is forgotten."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}
        # Where the turn that was given last begins.
        self._clock = 0.0
        self._given = 0

    def weigh(self, name: str, weight: int) -> None:
        """Let a name have so many turns for one of weight 1, from its next turn on."""
        self._turn(name).weight = weight

    def forget(self, name: str) -> None:
        """Forget a name, with its weight and what it owes."""
        self._turns.pop(name, None)

    def enter(self, name: str) -> None:
        """Let a name stand in line that did not: turns that passed meanwhile are gone."""
        turn = self._turn(name)
        turn.end = max(turn.end, self._clock)

    def place(self, name: str) -> tuple[float, int]:
        """Return what orders those in line: the smallest is the first. It changes with its own turns only."""
        turn = self._turn(name)
        return turn.end, turn.last

    def give(self, name: str) -> None:
        """Give the turn to a name: whoever enters from now on stands beside it, not before."""
        turn = self._turn(name)
        self._given += 1
        turn.last = self._given
        # What the turn does not take after all is given back as it was charged.
        turn.rate = turn.weight
        self._clock = max(self._clock, turn.end)

    def charge(self, name: str, amount: int) -> None:
        """Note how much it takes in its turn; less than nothing for what it did not take after all."""
        turn = self._turn(name)
        turn.end += amount / turn.rate

    def _turn(self, name: str) -> _Turn:
        turn = self._turns.get(name)
        if turn is None:
            turn = self._turns[name] = _Turn()
        return turn

"""Turns of namespaces: one that has very much to do leaves the others theirs."""

from __future__ import annotations

from collections.abc import Sequence

_MAX_TURNS = 1_000
# By namespace, how late its last turn was among all; whoever asks again and again keeps it.
Turns = dict[str, int]


def whose_turn(names: Sequence[str], turns: Turns) -> str:
    """Return which of these has waited longest for a turn, the first of equals, and note its turn; one at least."""
    name = min(names, key=lambda name: turns.get(name, 0))
    if len(turns) >= _MAX_TURNS:
        turns.clear()
    turns[name] = max(turns.values(), default=0) + 1
    return name

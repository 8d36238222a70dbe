"""What is asked of a store, and who carries it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# In place of a shard: what is known of the workers, which serve them all.
OF_WORKERS = -1


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """One atomic step: a script, its keys and arguments, how to read the reply, and the shard that the keys are of."""

    script: str
    keys: tuple[str, ...]
    args: tuple[str | bytes | int | float, ...]
    decode: Callable[[Any], T_co]
    shard: int = 0


@dataclass(frozen=True, slots=True)
class Spread(Call[T_co]):
    """Steps on several shards, each atomic by itself and not together; `decode` gets the list of their answers.

    One step that fails fails the whole, whatever the others did: every one of them may be repeated.
    """

    steps: tuple[Call[Any], ...] = ()


def spread(steps: Sequence[Call[Any]], merge: Callable[[list[Any]], T]) -> Spread[T]:
    """Return the call of these steps; `merge` makes one answer of theirs, which come in order."""
    return Spread("", (), (), merge, steps=tuple(steps))


def steps_of(calls: Sequence[Call[Any]]) -> list[Call[Any]]:
    """Return the single steps of calls, in order."""
    steps: list[Call[Any]] = []
    for call in calls:
        steps += call.steps if isinstance(call, Spread) else (call,)
    return steps


def answers_of(calls: Sequence[Call[T]], answers: Sequence[Any]) -> list[T]:
    """Return the answers to calls, given those to their steps."""
    left = iter(answers)
    return [call.decode([next(left) for _ in call.steps]) if isinstance(call, Spread) else next(left) for call in calls]


class Runner(Protocol):
    """Carries out calls and waits for them."""

    def run(self, call: Call[T]) -> T:
        """Return the call's answer."""

    def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls in one round trip, each atomic by itself; answers in order."""


class AsyncRunner(Protocol):
    """Carries out calls without blocking the event loop."""

    async def run(self, call: Call[T]) -> T:
        """Return the call's answer."""

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls in one round trip, each atomic by itself; answers in order."""

"""The list of cases: modules of cases add to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ironforge_client.conformance.stage import Stage


@dataclass(frozen=True, slots=True)
class Case:
    """Something that a worker must get right. Gentle ones share a running program, the others get one each."""

    name: str
    play: Callable[[Stage], None]
    is_gentle: bool

    @property
    def meaning(self) -> str:
        """Return what is demanded, in a sentence."""
        return (self.play.__doc__ or "").strip().splitlines()[0]


CASES: list[Case] = []


def case(name: str, *, is_gentle: bool = False) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Return a decorator that adds a case."""

    def add(play: Callable[[Stage], None]) -> Callable[[Stage], None]:
        CASES.append(Case(name, play, is_gentle))
        return play

    return add

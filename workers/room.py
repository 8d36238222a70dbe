"""Divides the free slots of a process among the shards of its namespace that have work for them."""

from __future__ import annotations

from typing import Protocol

POLL_S = 1.0
# Of several shards: one has fewer other reasons to be asked, a job of its own that ended for one.
SHARED_POLL_S = 0.25


class Claimant(Protocol):
    """Who claims jobs of one shard."""

    @property
    def is_waiting(self) -> bool:
        """Tell whether it would claim now, as far as it knows there is work and its shard answers."""

    @property
    def is_engaged(self) -> bool:
        """Tell whether a round of its own is under way that should be over soon, and then it may claim."""

    @property
    def is_hungry(self) -> bool:
        """Tell whether there is work, as far as it knows."""

    @property
    def asked(self) -> int:
        """Return how many jobs its claim under way may bring any moment."""

    @property
    def is_parked(self) -> bool:
        """Tell whether a claim of its stands in the store."""

    def notify(self) -> None:
        """Look again for something to do."""


class Room:
    """Gives all that is free to one shard after the other, each in its turn: so they share the slots over any time,
    and a claim brings as many jobs as it can, which costs the store less than many that bring a few.
    """

    def __init__(self) -> None:
        # Whose last claim is longest ago first.
        self._claimants: list[Claimant] = []

    @property
    def is_shared(self) -> bool:
        """Tell whether there are several shards."""
        return len(self._claimants) > 1

    @property
    def poll_s(self) -> float:
        """Return how long a shard that has no claim parked goes without being asked."""
        return POLL_S if len(self._claimants) == 1 else SHARED_POLL_S

    def join(self, claimant: Claimant) -> None:
        """Add somebody who claims."""
        self._claimants.append(claimant)

    def share(self, claimant: Claimant, free: int) -> int:
        """Return how many of the free slots are this claimant's to fill; not above 0 where there are none."""
        if len(self._claimants) == 1:
            return free
        first = next((each for each in self._claimants if each.is_waiting), claimant)
        return free - sum(each.asked for each in self._claimants) if first is claimant else 0

    def may_park(self, free: int) -> bool:
        """Tell whether a claim may be left in the store: all that stand there may bring a job at once."""
        return len(self._claimants) == 1 or sum(each.is_parked for each in self._claimants) < free

    def wants(self, claimant: Claimant) -> None:
        """Note that somebody has work; here everybody is asked."""

    def took(self, claimant: Claimant, amount: int) -> None:
        """Note how many jobs a claim brought; here turns are counted by the claim."""

    def served(self, claimant: Claimant) -> None:
        """Note that it claims now."""
        if len(self._claimants) > 1:
            self._claimants.remove(claimant)
            self._claimants.append(claimant)

    def offer(self) -> None:
        """Let whose turn it is look again: there may be room."""
        for each in self._claimants:
            if each.is_waiting:
                each.notify()
                return

"""Divides the free slots of a process among namespaces that have work for them, by weight."""

from __future__ import annotations

from heapq import heappop, heappush

from workers.room import Claimant, Room
from workers.rotation import Rotation

# Who looks at all namespaces at once tells an exchange that it has work; this is for what nobody saw.
LONG_POLL_S = 3600.0
# Where many namespaces wait, each mostly has few jobs: so many claims are under way at once, each for a part.
MOST_AT_ONCE = 8


class SharedRoom:
    """Gives what is free to the namespace whose turn it is; what it does not take goes to the next.

    What a turn asks for is charged by the job, and given back where it brought less. So the shares hold however many
    jobs a claim brings. Whose turn it is keeps it while a round of its own is under way: else whoever asks meanwhile,
    of whatever weight, would have what became free.
    """

    def __init__(self) -> None:
        self.rotation = Rotation()
        # Those that may want a turn, with their namespaces; who does not any more is found out when it is looked at.
        self._wanting: dict[Claimant, str] = {}
        # The same by place, and which entry of each counts: places change, entries do not.
        self._line: list[tuple[tuple[float, int], int, Claimant]] = []
        self._entries: dict[Claimant, int] = {}
        self._number = 0
        # What claims under way have asked for.
        self._asking: dict[Claimant, int] = {}

    def seat(self, namespace: str) -> Seat:
        """Return what the shards of a namespace take for a room of their own."""
        return Seat(self, namespace)

    def leave(self, namespace: str) -> None:
        """Forget a namespace."""
        self.rotation.forget(namespace)
        for each in [each for each, name in self._wanting.items() if name == namespace]:
            self._drop(each)
            self._asking.pop(each, None)

    def first(self) -> Claimant | None:
        """Return whose turn it is, None where nobody waits."""
        first, aside = None, []
        while self._line and first is None:
            place, number, each = self._line[0]
            if self._entries.get(each) != number:
                heappop(self._line)
            elif not each.is_hungry:
                self._drop(each)
            elif place != self.rotation.place(self._wanting[each]):
                self._stand(each)
            elif each.is_waiting or each.is_engaged:
                first = each
            else:
                # Its store is away, or it is quiet: nobody waits for it.
                aside.append(heappop(self._line))
        for entry in aside:
            heappush(self._line, entry)
        return first

    def wants(self, claimant: Claimant, namespace: str) -> None:
        """Note that somebody has work."""
        if claimant not in self._wanting:
            self._wanting[claimant] = namespace
            self.rotation.enter(namespace)
            self._stand(claimant)

    def _stand(self, claimant: Claimant) -> None:
        self._number += 1
        self._entries[claimant] = self._number
        heappush(self._line, (self.rotation.place(self._wanting[claimant]), self._number, claimant))

    def _drop(self, claimant: Claimant) -> None:
        self._wanting.pop(claimant, None)
        self._entries.pop(claimant, None)

    def share(self, claimant: Claimant, free: int) -> int:
        """Return how many of the free slots are this claimant's to fill; not above 0 where there are none."""
        if free <= 0 or self.first() not in (claimant, None):
            return min(free, 0)
        left = free - sum(each.asked for each in self._asking)
        return -(-left // max(1, min(len(self._wanting) // 2, MOST_AT_ONCE)))

    def served(self, claimant: Claimant, namespace: str) -> None:
        """Note that it claims now."""
        self._asking[claimant] = claimant.asked
        self.rotation.give(namespace)
        self.rotation.charge(namespace, claimant.asked)
        self.offer()

    def took(self, claimant: Claimant, namespace: str, amount: int) -> None:
        """Note how many jobs its claim brought; where it could have been more there is more to come."""
        self.rotation.charge(namespace, amount - self._asking.pop(claimant, 0))
        if claimant in self._wanting:
            self._stand(claimant)
        self.wants(claimant, namespace)

    def offer(self) -> None:
        """Let whose turn it is look again: there may be room."""
        first = self.first()
        if first is not None:
            first.notify()


class Seat(Room):
    """The room as the shards of one namespace see it. None leaves a claim in the store: too many would stand there."""

    def __init__(self, shared: SharedRoom, namespace: str) -> None:
        super().__init__()
        self._shared = shared
        self._namespace = namespace

    @property
    def is_shared(self) -> bool:
        """Tell that there are others."""
        return True

    @property
    def poll_s(self) -> float:
        """Return how long one goes without being asked where nobody says that it has work."""
        return LONG_POLL_S

    def join(self, claimant: Claimant) -> None:
        """Add somebody who claims."""
        self._shared.wants(claimant, self._namespace)

    def share(self, claimant: Claimant, free: int) -> int:
        """Return how many of the free slots are this claimant's to fill; not above 0 where there are none."""
        return self._shared.share(claimant, free)

    def may_park(self, free: int) -> bool:
        """Tell that no claim may be left in the store."""
        return False

    def wants(self, claimant: Claimant) -> None:
        """Note that somebody has work."""
        self._shared.wants(claimant, self._namespace)

    def served(self, claimant: Claimant) -> None:
        """Note that it claims now."""
        self._shared.served(claimant, self._namespace)

    def took(self, claimant: Claimant, amount: int) -> None:
        """Note how many jobs a claim brought."""
        self._shared.took(claimant, self._namespace, amount)

    def offer(self) -> None:
        """Let whose turn it is look again: there may be room."""
        self._shared.offer()

"""Looks at all namespaces of a process at once, a glance for each; who has work is told to claim.

Hints bring most jobs sooner; this is the truth for the rest, as the poll of a worker of one namespace is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from jobs import wiring
from jobs.backends.base import MAX_BATCH
from jobs.backends.call import Call
from jobs.backends.glance import Glance
from workers.consumers import Place
from workers.room import POLL_S, SHARED_POLL_S
from workers.store_link import StoreLink

# The bound of what idle namespaces cost the store. Beyond so many each is looked at less often than once a POLL_S.
GLANCES_A_SECOND = 500


class Lookout:
    """For one thread, whose connection it uses; `tell` is called there with what was seen."""

    def __init__(
        self,
        queues: Sequence[str],
        names: Callable[[], Sequence[str]],
        link: StoreLink,
        tell: Callable[[Mapping[Place, Glance], float], None],
        *,
        hears_hints: bool,
    ) -> None:
        """`names` are the namespaces to look at; without hints they are looked at more often."""
        self._queues = queues
        self._names = names
        self._link = link
        self._tell = tell
        self._poll_s = POLL_S if hears_hints else SHARED_POLL_S
        self._calls: dict[Place, Call[Glance]] = {}

    def step(self) -> float:
        """Look once; return the pause before the next look (s). Raises BackendUnavailable."""
        places = [(name, shard) for name in self._names() for shard in range(wiring.backend().shards)]
        pause_s = max(self._poll_s, len(places) / GLANCES_A_SECOND)
        calls = self._calls = {place: self._calls.get(place) or self._call(place) for place in places}
        seen: dict[Place, Glance] = {}
        for first in range(0, len(places), MAX_BATCH):
            some = places[first : first + MAX_BATCH]
            seen.update(zip(some, self._link.run_many([calls[place] for place in some]), strict=True))
        self._tell(seen, pause_s)
        return pause_s

    def _call(self, place: Place) -> Call[Glance]:
        return wiring.backend().maintainer(*place).glance(self._queues)

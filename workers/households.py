"""The namespaces that a process serves, which come and go, and what it does for each beside its jobs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from jobs.domain.errors import BackendUnavailable
from jobs.telemetry.logs import log_event
from workers.household import Household
from workers.registry import Registry
from workers.store_link import StoreLink

# A namespace where nothing is due has its turn at least this often, or as often as so many rounds a second allow.
FULL_ROUND_EVERY_S = 10.0
ROUNDS_A_SECOND = 10
# What is left of a round goes on in the next, which comes at once.
LONGEST_ROUND_S = 1.0

Change = Callable[[str], None]
# Returns the namespaces to serve from now on; None: those of before.
Follow = Callable[[], frozenset[str] | None]


class Households:
    """A round looks after namespaces where something is due, and some of the others in turn.

    `opened` is called on the event loop for each namespace once jobs may start there, `left` when it is served no more.
    """

    def __init__(
        self,
        registry: Registry,
        follow: Follow,
        link: StoreLink,
        logger: logging.Logger,
        loop: asyncio.AbstractEventLoop,
        *,
        opened: Change,
        left: Change,
    ) -> None:
        self._registry = registry
        self._follow = follow
        self._link = link
        self._logger = logger
        self._loop = loop
        self._opened = opened
        self._left = left
        self._households: dict[str, Household] = {}
        # Of those that are open when they had their last round (monotonic s).
        self._rounds: dict[str, float] = {}
        self._open: tuple[str, ...] = ()
        self._failure: BackendUnavailable | None = None
        self._dismissed: frozenset[str] = frozenset()
        self._needy: frozenset[str] = frozenset()

    def open_names(self) -> Sequence[str]:
        """Return the namespaces whose jobs may start; for any thread."""
        return self._open

    def dismiss(self, name: str) -> None:
        """Serve a namespace no more for as long as this process lives; for any thread."""
        self._dismissed |= {name}

    def note_needs(self, names: Iterable[str]) -> None:
        """Note where something is due; for any thread."""
        self._needy |= frozenset(names)

    def step(self) -> float | None:
        """Do a round, and say when the next is to come. Raises BackendUnavailable once all had their turn."""
        self._follow_names()
        until = time.monotonic() + LONGEST_ROUND_S
        for name in [name for name in self._households if name not in self._rounds]:
            if time.monotonic() < until:
                self._guarded(name, self._open_one)
        for name in self._due():
            if time.monotonic() < until:
                self._guarded(name, self._look_after)
            else:
                self.note_needs([name])
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return None if time.monotonic() < until else 0.0

    def _guarded(self, name: str, act: Change) -> None:
        """Act; what is wrong in one namespace must not stop the others."""
        try:
            act(name)
        except BackendUnavailable as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 (as above)
            log_event(self._logger, "loop.crashed", level=logging.ERROR, exception=error, loop="upkeep", namespace=name)

    def _open_one(self, name: str) -> None:
        """Let jobs start once the store knows how many of each kind may run."""
        self._households[name].limits.step()
        self._rounds[name] = 0.0
        self._open = (*self._open, name)
        self._loop.call_soon_threadsafe(self._opened, name)

    def _look_after(self, name: str) -> None:
        self._rounds[name] = time.monotonic()
        self._households[name].step()

    def _follow_names(self) -> None:
        names = self._follow()
        wanted = (frozenset(self._households) if names is None else names) - self._dismissed
        for name in [name for name in self._households if name not in wanted]:
            del self._households[name]
            self._rounds.pop(name, None)
            self._open = tuple(each for each in self._open if each != name)
            self._loop.call_soon_threadsafe(self._left, name)
        for name in sorted(wanted - self._households.keys()):
            self._households[name] = Household(
                self._registry, name, self._link, self._logger, self._loop, is_one_of_many=True
            )

    def _due(self) -> list[str]:
        """Return whose turn it is: those where something is due, then some of those that had none for long."""
        needy, self._needy = self._needy, frozenset()
        now = time.monotonic()
        every_s = max(FULL_ROUND_EVERY_S, len(self._rounds) / ROUNDS_A_SECOND)
        due = [name for name in self._rounds if name in needy]
        resting = [
            name
            for name, at in self._rounds.items()
            if name not in needy and (now - at >= every_s or self._households[name].has_more)
        ]
        return due + sorted(resting, key=lambda name: self._rounds[name])[:ROUNDS_A_SECOND]

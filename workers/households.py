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

    def step(self) -> None:
        """Do a round. Raises BackendUnavailable once all had their turn."""
        failure = None
        self._follow_names()
        for name in self._due():
            household = self._households[name]
            try:
                if name not in self._rounds:
                    household.limits.step()
                    self._open = (*self._open, name)
                    self._loop.call_soon_threadsafe(self._opened, name)
                self._rounds[name] = time.monotonic()
                household.step()
            except BackendUnavailable as error:
                failure = error
            except Exception as error:  # noqa: BLE001 (what is wrong in one namespace must not stop the others)
                log_event(
                    self._logger, "loop.crashed", level=logging.ERROR, exception=error, loop="upkeep", namespace=name
                )
        if failure is not None:
            raise failure

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
        """Return whose turn it is: the new ones, those where something is due, and those that had none for long."""
        needy, self._needy = self._needy, frozenset()
        now = time.monotonic()
        every_s = max(FULL_ROUND_EVERY_S, len(self._households) / ROUNDS_A_SECOND)
        due = [name for name in self._households if name not in self._rounds]
        due += [name for name in self._rounds if name in needy or self._households[name].has_more]
        resting = [name for name, at in self._rounds.items() if name not in due and now - at >= every_s]
        return due + sorted(resting, key=lambda name: self._rounds[name])[:ROUNDS_A_SECOND]

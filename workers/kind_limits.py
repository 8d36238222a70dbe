"""What handlers say of the limits of their kinds, told to the store, which keeps them for all workers together."""

from __future__ import annotations

import asyncio
import logging
import time

from jobs.backends.limits import Limits
from jobs.domain.limit import CODE, Limit, LimitBy
from jobs.telemetry.logs import log_event
from workers.registry import Registry
from workers.store_link import StoreLink


class KindLimits:
    """Tells the limits of a process's handlers once, and drops those that its handlers no longer have.

    What an operator has set stands. Kinds without a handler here are not touched.
    """

    def __init__(
        self,
        registry: Registry,
        limits: Limits,
        link: StoreLink,
        logger: logging.Logger,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._kinds = registry.kinds()
        self._wanted = registry.limits()
        self._limits = limits
        self._link = link
        self._logger = logger
        self._loop = loop
        self._is_told = False
        self._heard = asyncio.Event()

    @property
    def is_told(self) -> bool:
        """Tell whether the store knows them."""
        return self._is_told

    async def told(self, stop: asyncio.Event) -> bool:
        """Wait until jobs may start: with limits here, none may before they are told. False: told to stop first."""
        if not self._wanted:
            return True
        ends = [asyncio.create_task(event.wait()) for event in (self._heard, stop)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        return self._heard.is_set()

    def step(self) -> None:
        """Tell what was not told yet. Raises BackendUnavailable: the next step tries again."""
        if self._is_told:
            return
        known = {(use.limit.by, use.limit.name): use.limit for use in self._link.run(self._limits.all())}
        for kind in self._kinds:
            for by in (LimitBy.KIND, LimitBy.KEY):
                self._tell(self._wanted.get((by, kind)), known.get((by, kind)), kind)
        self._is_told = True
        self._loop.call_soon_threadsafe(self._heard.set)

    def _tell(self, wanted: Limit | None, known: Limit | None, kind: str) -> None:
        if known is not None and known.set_by != CODE:
            if wanted is not None and not wanted.is_like(known):
                log_event(self._logger, "limit.kept", kind=kind, by=known.by, set_by=known.set_by)
        elif wanted is None:
            if known is not None:
                self._link.run(self._limits.drop(kind, known.by, CODE))
                log_event(self._logger, "limit.dropped", kind=kind, by=known.by)
        elif known is None or not wanted.is_like(known):
            code = self._link.run(self._limits.put(wanted.at(int(time.time() * 1000))))
            level = logging.INFO if code == "set" else logging.WARNING
            log_event(self._logger, "limit.set", level=level, kind=kind, by=wanted.by, code=code)

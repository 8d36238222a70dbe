"""Settles what ended while a round is under way, so that the store has work while the round's answer is read.

A round keeps the store busy while the jobs of the one before run. They are mostly done before its answer comes, and the
store would then stand idle until that is read and the next round is made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from jobs.backends.base import Consumer
from jobs.domain.errors import BackendUnavailable
from jobs.telemetry.logs import log_event
from workers.outbox import Outbox, Outcome
from workers.store_link import ChannelLink

# Fewer outcomes wait for the next round: a call costs the store as much as some jobs.
LEAST = 16


class Aside:
    """Sends at most one settlement at a time beside the rounds of an exchange; for the event loop's own callers."""

    def __init__(
        self, consumer: Consumer, link: ChannelLink, *, on_end: Callable[[], None], logger: logging.Logger
    ) -> None:
        """`on_end` is called when the answer is there, or will not come."""
        self._consumer = consumer
        self._link = link
        self._on_end = on_end
        self._logger = logger
        self._task: asyncio.Task[None] | None = None
        self._has_settled = self._is_offered = False

    @property
    def has_settled(self) -> bool:
        """Tell whether outcomes were sent since the last round: a reason to ask for more, as those in a round are."""
        return self._has_settled

    def round_begins(self) -> None:
        """Note that a round is sent."""
        self._has_settled = False

    def offer(self, outbox: Outbox) -> None:
        """Send what is due when the jobs that end at once have all ended."""
        if not self._is_offered:
            self._is_offered = True
            asyncio.get_running_loop().call_soon(self._begin, outbox)

    def cancel(self) -> None:
        """Leave what is under way to who comes later."""
        if self._task is not None:
            self._task.cancel()

    def _begin(self, outbox: Outbox) -> None:
        self._is_offered = False
        if self._task is None and outbox.due >= LEAST and not (outbox.is_limited or self._link.is_away):
            self._has_settled = True
            self._task = asyncio.get_running_loop().create_task(self._settle(outbox, outbox.begin()))

    async def _settle(self, outbox: Outbox, batch: list[Outcome]) -> None:
        try:
            call = self._consumer.settle([outcome.settlement for outcome in batch])
            outbox.accept(batch, (await self._link.run_many([call]))[0])
        except BackendUnavailable:
            outbox.send_less()
        except Exception as error:  # noqa: BLE001 (the exchange goes on, as it does after a round of its own)
            log_event(self._logger, "loop.crashed", level=logging.ERROR, exception=error, loop="exchange")
            # Nothing goes beside a round until one was answered: the exchange gets past it, and pauses in between.
            outbox.send_singly()
        finally:
            outbox.end(batch)
            self._task = None
            self._on_end()

"""The claim of an idle worker: it stands in the store behind a wait for a hint, and is carried out when one comes.

So a new job is on its way to the worker at once; a worker that were only told of it would have to ask first.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence

from jobs.backends.call import Call
from jobs.backends.waking import Wake
from jobs.domain.errors import BackendUnavailable
from jobs.domain.lease import Claim
from jobs.telemetry.logs import log_event

# Called with whether a hint came, and with what the claim brought; what it returns is awaited in the same task.
OnClaim = Callable[[bool, Claim], Awaitable[None]]


class Parking:
    """Holds at most one claim; for the event loop's own callers."""

    def __init__(self, wake: Wake, queues: Sequence[str], logger: logging.Logger) -> None:
        self._wake = wake
        self._queues = queues
        self._logger = logger
        self._task: asyncio.Task[None] | None = None
        self._closed_until = 0.0

    def closed_s(self) -> float:
        """Return how long none may stand here, since the last way ended in a failure; 0 for not at all."""
        return max(0.0, self._closed_until - time.monotonic())

    def park(self, call: Call[Claim], timeout_s: float, on_claim: OnClaim, on_lost: Callable[[], None]) -> None:
        """Let a claim wait for a hint, at most `timeout_s`. `on_lost`: nobody knows whether it was or will be heard."""
        self._task = asyncio.get_running_loop().create_task(self._stand(call, timeout_s, on_claim, on_lost))

    def leave(self) -> None:
        """Give the claim that stands here up: it is lost."""
        if self._task is not None:
            self._task.cancel()
            self._wake.close()

    def close(self) -> None:
        """Give the connection back."""
        self._wake.close()

    async def _stand(self, call: Call[Claim], timeout_s: float, on_claim: OnClaim, on_lost: Callable[[], None]) -> None:
        answer: tuple[bool, Claim] | None = None
        try:
            answer = await self._wake.wait(self._queues, timeout_s, call)
        except BackendUnavailable:
            pass  # told by the exchange, which asks the same store
        except asyncio.CancelledError:
            pass  # by `leave`: what follows is short
        except Exception as error:  # noqa: BLE001 (an answer that cannot be read must not stop the worker)
            log_event(self._logger, "loop.crashed", level=logging.ERROR, exception=error, loop="parking")
        self._task = None
        if answer is not None:
            await on_claim(*answer)
        else:
            self._closed_until = time.monotonic() + random.uniform(0.2, 0.8)
            on_lost()

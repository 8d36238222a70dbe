"""Waits for a look at the store that another thread takes, so that nobody is held up for longer than a call may take.

A thread waits where it stands. An event loop waits beforehand, by `until_seen`, and serves others meanwhile.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

from jobs.domain.errors import BackendUnavailable

# With what comes after it an answer still stays below the 2 s in which the API says 503.
WAIT_S = 1.5


def require_seen(look: Future[None]) -> None:
    """Return when the look is over; on an event loop it must be. Raises BackendUnavailable, or what the look does."""
    try:
        look.result(0 if _is_on_loop() else WAIT_S)
    except TimeoutError:
        raise _unseen() from None


async def until_seen(look: Future[None] | None) -> None:
    """Return when the look is over, at once for None. Raises as `require_seen`."""
    if look is None:
        return
    answer = asyncio.wrap_future(look)
    await asyncio.wait({answer}, timeout=WAIT_S)
    if not answer.done():
        raise _unseen()
    answer.result()


def _unseen() -> BackendUnavailable:
    return BackendUnavailable("The store does not answer.")


def _is_on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

"""Waits for a look at the store that another thread takes, so that nobody is held up for longer than a call may take.

A thread waits where it stands. An event loop that serves others waits beforehand, by `until_seen`, so that the look is
over then; one on which somebody calls `enqueue` stands still for the call anyway, and so for its first look.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

from jobs.domain.errors import BackendUnavailable

# With what comes after it an answer still stays below the 2 s in which the API says 503.
WAIT_S = 1.5


def require_seen(look: Future[None]) -> None:
    """Return when the look is over. Raises BackendUnavailable, or what the look does."""
    try:
        look.result(WAIT_S)
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

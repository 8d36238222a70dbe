"""The kinds `odd.*`."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from workers import Context, handler


@handler("odd.freeze")
async def freeze(context: Context, payload: object) -> int:
    """Stop the whole worker at the very end of the first attempt: the outcome is made, and nobody has heard of it."""
    if context.attempt == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    return context.attempt


@handler("odd.stay")
async def stay(context: Context, payload: object) -> int:
    """Never end the first attempt: the death of its worker does."""
    if context.attempt == 1:
        await asyncio.Event().wait()
    return context.attempt


@handler("odd.until")
async def until(context: Context, payload: str) -> int:
    """End the first attempt when there is a file."""
    while context.attempt == 1 and not Path(payload).exists():
        await asyncio.sleep(0.01)
    return context.attempt

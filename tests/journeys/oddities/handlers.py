"""The kinds `odd.*`."""

from __future__ import annotations

import os
import signal

from workers import Context, handler


@handler("odd.freeze")
async def freeze(context: Context, payload: object) -> int:
    """Stop the whole worker at the very end of the first attempt: the outcome is made, and nobody has heard of it."""
    if context.attempt == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    return context.attempt

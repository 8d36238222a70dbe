"""Handlers of the benchmarks: nothing, a note of the time, 5 ms."""

from __future__ import annotations

import asyncio
from typing import Any

from stamps import NAP_S, note
from workers import Context, handler


@handler("email.send")
async def noop(context: Context, payload: Any) -> None:
    """Do nothing."""


@handler("bench.stamp")
async def stamp(context: Context, payload: Any) -> None:
    """Note the time."""
    note(payload)


@handler("bench.nap")
async def nap(context: Context, payload: Any) -> None:
    """Take 5 ms."""
    await asyncio.sleep(NAP_S)
    note(payload)

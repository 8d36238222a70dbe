"""Handlers to try IronForge with: `demo.echo`, `demo.sleep`, `demo.fail`, `demo.crash`."""

from __future__ import annotations

import asyncio
import os
import signal

from workers.context import Context
from workers.registry import handler
from workers.verdict import Discard

MAX_SLEEP_MS = 86_400_000


class DemoFailure(Exception):
    """The failure that `demo.fail` was asked for."""


@handler("demo.echo")
async def echo(context: Context, payload: object) -> object:
    """Return the payload."""
    return payload


@handler("demo.sleep")
async def sleep(context: Context, payload: object) -> dict[str, int]:
    """Sleep for `{"ms": …}` milliseconds."""
    milliseconds = _member(payload, "ms")
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int) or not 0 <= milliseconds <= MAX_SLEEP_MS:
        raise Discard(f'demo.sleep needs {{"ms": 0–{MAX_SLEEP_MS}}}')
    await asyncio.sleep(milliseconds / 1000)
    return {"slept_ms": milliseconds}


@handler("demo.fail")
async def fail(context: Context, payload: object) -> dict[str, int]:
    """Fail the first `{"times": n}` attempts, or each one with `{"always": true}`."""
    times = _member(payload, "times")
    if _member(payload, "always") is True:
        raise DemoFailure(f"attempt {context.attempt} failed, as every one will")
    if isinstance(times, bool) or not isinstance(times, int):
        raise Discard('demo.fail needs {"times": n} or {"always": true}')
    if context.attempt <= times:
        raise DemoFailure(f"attempt {context.attempt} of {times} that are to fail")
    return {"attempts": context.attempt}


@handler("demo.crash")
async def crash(context: Context, payload: object) -> None:
    """Kill the worker's process, as the kernel does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def _member(payload: object, name: str) -> object:
    return payload.get(name) if isinstance(payload, dict) else None

"""A worker in Python. It runs the kinds of the conformance kit, which show what a handler can do.

IRONFORGE_URL=http://localhost:3000 IRONFORGE_QUEUES=main python examples/workers/python/worker.py
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import Any

from ironforge_client import Context, Discard, Retry, Snooze, Worker

worker = Worker.from_environment()


@worker.handler("conformance.echo")
async def echo(context: Context, payload: Any) -> Any:
    """Return what came."""
    return payload


@worker.handler("conformance.fail")
def fail(context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """Fail the first `times` attempts."""
    if context.attempt <= payload["times"]:
        raise RuntimeError(payload["message"])
    return {"attempt": context.attempt}


@worker.handler("conformance.retry")
def retry(context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """Ask for another attempt after a delay of its own."""
    if context.attempt == 1:
        raise Retry(payload["delay_ms"] / 1000, "not yet")
    return {"attempt": context.attempt}


@worker.handler("conformance.snooze")
def snooze(context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """Ask for a later time, once."""
    if context.attempt == 1:
        raise Snooze(payload["delay_ms"] / 1000)
    return {"attempt": context.attempt}


@worker.handler("conformance.discard")
def discard(context: Context, payload: Any) -> None:
    """Give the job up for good."""
    raise Discard("not wanted")


@worker.handler("conformance.sleep")
def sleep(context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """Take `ms` milliseconds, and end early when asked to."""
    ends_at = time.monotonic() + payload["ms"] / 1000
    while (left_s := ends_at - time.monotonic()) > 0:
        if context.is_cancelled:
            raise asyncio.CancelledError
        time.sleep(min(left_s, 0.05))
    return {"slept_ms": payload["ms"]}


@worker.handler("conformance.crash")
def crash(context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """Take the whole process along in the first `times` attempts."""
    if context.attempt <= payload["times"]:
        os._exit(70)
    return {"attempt": context.attempt}


@worker.handler("conformance.progress")
def progress(context: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """Report each step; fail after step `fail_after` of the first attempt, and go on there in the next."""
    first = context.last_checkpoint["done"] if context.last_checkpoint else 0
    for step in range(first + 1, payload["steps"] + 1):
        context.log(f"step {step}")
        context.progress(step / payload["steps"], f"step {step}")
        context.checkpoint({"done": step})
        if context.attempt == 1 and step == payload["fail_after"]:
            raise RuntimeError("stopped half way")
    return {"first": first + 1}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    worker.run()

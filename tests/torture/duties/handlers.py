"""The kinds of a torture run. Each says in the ledger when it starts and how it ends, before anybody else knows.

A payload is `{"cid": client's own id, "ms": how long to take, …}`; what a kind does more is said at its handler.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import Any

from tests.torture.duties.family import told_of, worker_of_child
from tests.torture.duties.growth import grow
from tests.torture.ledger import Ledger
from workers import Cancelled, Context, Discard, Snooze, handler

Payload = dict[str, Any]
_ledger = Ledger(Path(os.environ.get("TORTURE_LEDGER", os.devnull)))


class Wanted(Exception):
    """The failure that the payload asked for."""


def _note(event: str, context: Context, payload: Payload, **more: object) -> None:
    _ledger.write(
        event,
        cid=payload["cid"],
        job=context.job_id,
        ns=context.namespace,
        attempt=context.attempt,
        token=context.lease_token,
        **({"parents": told_of(context.parents)} if context.step is not None else {}),
        **more,
    )


def _end(context: Context, payload: Payload) -> Payload:
    """Return the result: it tells which attempt made it, so that the store cannot mistake one for another."""
    _note("end", context, payload)
    return {"cid": payload["cid"], "attempt": context.attempt, "made_by": context.lease_token}


async def _take(context: Context, payload: Payload) -> None:
    """Start and take as long as the payload says; being stopped is written down too."""
    _note("start", context, payload)
    try:
        await asyncio.sleep(payload["ms"] / 1000)
    except asyncio.CancelledError:
        _note("stopped", context, payload)
        raise


@handler("torture.ok")
async def ok(context: Context, payload: Payload) -> Payload:
    """Take its time and complete."""
    await _take(context, payload)
    return _end(context, payload)


@handler("torture.limited")
async def limited(context: Context, payload: Payload) -> Payload:
    """Take its time; only so many may at once."""
    await _take(context, payload)
    return _end(context, payload)


@handler("torture.keyed")
async def keyed(context: Context, payload: Payload) -> Payload:
    """Take its time; only so many of each key may at once."""
    await _take(context, payload)
    return _end(context, payload)


@handler("torture.callback")
async def callback(context: Context, payload: Payload) -> Payload:
    """Hear of the end of a graph."""
    _note("start", context, payload["payload"])
    return _end(context, payload["payload"])


@handler("torture.split")
def split(context: Context, payload: Payload) -> Payload:
    """Add steps to the graph that it is a step of."""
    _note("start", context, payload)
    if not grow(context, context.namespace, payload):
        _note("fail", context, payload)
        raise Wanted("the steps were not added")
    return _end(context, payload)


@handler("torture.quick")
async def quick(context: Context, payload: Payload) -> Payload:
    """Complete without waiting for anything."""
    _note("start", context, payload)
    return _end(context, payload)


@handler("torture.thread")
def in_thread(context: Context, payload: Payload) -> Payload:
    """Take its time in a thread, and look whether it should stop."""
    _note("start", context, payload)
    pause = threading.Event()
    for _ in range(payload["ms"] // 20):
        if context.is_cancelled:
            _note("stopped", context, payload)
            raise Wanted("stopped")
        pause.wait(0.02)
    return _end(context, payload)


@handler("torture.child", isolation="process")
def in_child(context: Context, payload: Payload) -> Payload:
    """Take its time in a child process; kill that in the first `crashes` attempts, or be deaf to signals (`stuck`)."""
    _note("start", context, payload, worker=worker_of_child())
    if payload.get("stuck"):
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        threading.Event().wait(payload["ms"] / 1000)
    except Cancelled:
        _note("stopped", context, payload)
        raise
    context.progress(0.5, "half")
    if context.attempt <= payload.get("crashes", 0):
        _note("crash", context, payload)
        os.kill(os.getpid(), signal.SIGKILL)
    return _end(context, payload)


@handler("torture.stuck")
def stuck(context: Context, payload: Payload) -> Payload:
    """Take its time in a thread and never look whether it should stop."""
    _note("start", context, payload)
    threading.Event().wait(payload["ms"] / 1000)
    return _end(context, payload)


@handler("torture.fail")
async def fail(context: Context, payload: Payload) -> Payload:
    """Fail the first `fails` attempts."""
    await _take(context, payload)
    if context.attempt <= payload["fails"]:
        _note("fail", context, payload)
        raise Wanted(f"attempt {context.attempt} of {payload['fails']} that fail")
    return _end(context, payload)


@handler("torture.crash")
async def crash(context: Context, payload: Payload) -> Payload:
    """Kill the worker in the first `crashes` attempts, as the kernel does when memory runs out."""
    await _take(context, payload)
    if context.attempt <= payload["crashes"]:
        _note("crash", context, payload)
        os.kill(os.getpid(), signal.SIGKILL)
    return _end(context, payload)


@handler("torture.snooze")
async def snooze(context: Context, payload: Payload) -> Payload:
    """Ask the first `snoozes` times to run again after `snooze_ms`."""
    await _take(context, payload)
    if context.attempt <= payload["snoozes"]:
        _note("snooze", context, payload)
        raise Snooze(payload["snooze_ms"] / 1000)
    return _end(context, payload)


@handler("torture.discard")
async def discard(context: Context, payload: Payload) -> None:
    """Give the job up."""
    await _take(context, payload)
    _note("discard", context, payload)
    raise Discard("as the payload asked")

"""A worker of a torture run that reaches IronForge by HTTP alone, with the SDK: `remote_worker NAME CONCURRENCY`.

Its kinds do what those of `duties/handlers.py` do, and write the same lines into the same ledger.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from ironforge_client import Context, Discard, Snooze, Worker
from jobs.telemetry.logs import JsonFormatter
from tests.torture.duties import clock
from tests.torture.duties.family import told_of
from tests.torture.duties.growth import grow
from tests.torture.ledger import Ledger
from tests.torture.plans import DEFAULT, SPLIT

Payload = dict[str, Any]
ASYNC_KINDS = ("torture.ok", "torture.fail", "torture.crash", "torture.snooze", "torture.discard", "torture.quick")
_ledger = Ledger(Path(os.environ.get("TORTURE_LEDGER", os.devnull)))


class Wanted(Exception):
    """The failure that the payload asked for."""


def _note(event: str, context: Context, payload: Payload) -> None:
    facts = {"cid": payload["cid"], "job": context.job_id, "ns": DEFAULT, "via": "remote"}
    parents = {"parents": told_of(context.parents)} if context.step is not None else {}
    _ledger.write(event, **facts, attempt=context.attempt, token=context.lease_token, **parents)


def _end(context: Context, payload: Payload) -> Payload:
    _note("end", context, payload)
    return {"cid": payload["cid"], "attempt": context.attempt, "made_by": context.lease_token}


async def behave(context: Context, payload: Payload) -> Payload:
    """Take its time, then end as the payload says of this attempt."""
    _note("start", context, payload)
    try:
        await asyncio.sleep(payload["ms"] / 1000)
    except asyncio.CancelledError:
        _note("stopped", context, payload)
        raise
    context.progress(0.5, "half")
    if context.attempt <= payload.get("crashes", 0):
        _note("crash", context, payload)
        os.kill(os.getpid(), signal.SIGKILL)
    if context.attempt <= payload.get("fails", 0):
        _note("fail", context, payload)
        raise Wanted(f"attempt {context.attempt} of {payload['fails']} that fail")
    if context.attempt <= payload.get("snoozes", 0):
        _note("snooze", context, payload)
        raise Snooze(payload["snooze_ms"] / 1000)
    if context.kind == "torture.discard":
        _note("discard", context, payload)
        raise Discard("as the payload asked")
    return _end(context, payload)


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


def split(context: Context, payload: Payload) -> Payload:
    """Add steps to the graph that it is a step of."""
    _note("start", context, payload)
    if not grow(context, DEFAULT, payload):
        _note("fail", context, payload)
        raise Wanted("the steps were not added")
    return _end(context, payload)


def main(name: str, concurrency: int) -> None:
    """Work until SIGTERM."""
    told = logging.StreamHandler(sys.stdout)
    told.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[told])
    logging.getLogger("ironforge").setLevel(logging.INFO)
    clock.follow(Path(os.environ["TORTURE_CLOCK"]))
    key = json.loads(Path(os.environ["TORTURE_KEYS"]).read_text(encoding="utf-8"))[DEFAULT]["worker"]
    worker = Worker(
        os.environ["IRONFORGE_URL"],
        key,
        queues=os.environ["IRONFORGE_QUEUES"].split(","),
        concurrency=concurrency,
        lease_ms=int(os.environ["IRONFORGE_LEASE_MS"]),
        grace_s=float(os.environ["IRONFORGE_GRACE_S"]),
        name=name,
    )
    for kind in ASYNC_KINDS:
        worker.handler(kind)(behave)
    worker.handler("torture.thread")(in_thread)
    worker.handler(SPLIT)(split)
    worker.run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""SAQ: functions, worker settings, and how to send."""

import asyncio
import os

from saq import Queue

from stamps import NAP_S, note

queue = Queue.from_url(os.environ["BENCH_REDIS_URL"])


async def noop(context, *, payload):
    """Do nothing."""


async def stamp(context, *, payload):
    """Note the time."""
    note(payload)


async def nap(context, *, payload):
    """Take 5 ms."""
    await asyncio.sleep(NAP_S)
    note(payload)


settings = {"queue": queue, "functions": [noop, stamp, nap]}


async def send(jobs):
    """Send one by one, so that the order stays."""
    for name, payload in jobs:
        await queue.enqueue(name, payload=payload)

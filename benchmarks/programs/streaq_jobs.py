"""streaQ: tasks, and how to send."""

import asyncio
import os
from contextlib import asynccontextmanager

from streaq import Worker

from stamps import NAP_S, note

worker = Worker(redis_url=os.environ["BENCH_REDIS_URL"])


@worker.task
async def noop(payload):
    """Do nothing."""


@worker.task
async def stamp(payload):
    """Note the time."""
    note(payload)


@worker.task
async def nap(payload):
    """Take 5 ms."""
    await asyncio.sleep(NAP_S)
    note(payload)


TASKS = {"noop": noop, "stamp": stamp, "nap": nap}


@asynccontextmanager
async def opened():
    """Connect."""
    async with worker:
        yield


async def send(jobs):
    """Send in bulk, one job by itself."""
    tasks = [TASKS[name].enqueue(payload) for name, payload in jobs]
    if len(tasks) == 1:
        await tasks[0]
    else:
        await worker.enqueue_many(tasks)

"""arq: functions, worker settings, and how to send."""

import asyncio
import os
from contextlib import asynccontextmanager

from arq import create_pool
from arq.connections import RedisSettings

from stamps import NAP_S, note

SETTINGS = RedisSettings.from_dsn(os.environ["BENCH_REDIS_URL"])


async def noop(context, payload):
    """Do nothing."""


async def stamp(context, payload):
    """Note the time."""
    note(payload)


async def nap(context, payload):
    """Take 5 ms."""
    await asyncio.sleep(NAP_S)
    note(payload)


class WorkerSettings:
    """As many jobs at a time as IronForge, and a short poll: by default arq starts 100 jobs every half second."""

    max_jobs = 50
    poll_delay = 0.01
    functions = [noop, stamp, nap]
    redis_settings = SETTINGS


@asynccontextmanager
async def opened():
    """Connect."""
    global pool  # noqa: PLW0603
    pool = await create_pool(SETTINGS)
    yield
    await pool.aclose()


async def send(jobs):
    """Send one by one, so that the order stays."""
    for name, payload in jobs:
        await pool.enqueue_job(name, payload)

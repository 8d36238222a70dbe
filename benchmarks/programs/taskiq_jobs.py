"""taskiq: tasks on the stream broker, the one its documentation recommends, and how to send."""

import asyncio
import os
from contextlib import asynccontextmanager

from taskiq_redis import ListQueueBroker, RedisStreamBroker

from stamps import NAP_S, note

_Broker = ListQueueBroker if os.environ.get("BENCH_TASKIQ") == "list" else RedisStreamBroker
broker = _Broker(os.environ["BENCH_REDIS_URL"])


@broker.task
async def noop(payload):
    """Do nothing."""


@broker.task
async def stamp(payload):
    """Note the time."""
    note(payload)


@broker.task
async def nap(payload):
    """Take 5 ms."""
    await asyncio.sleep(NAP_S)
    note(payload)


TASKS = {"noop": noop, "stamp": stamp, "nap": nap}


@asynccontextmanager
async def opened():
    """Connect."""
    await broker.startup()
    yield
    await broker.shutdown()


async def send(jobs):
    """Send one by one, so that the order stays."""
    for name, payload in jobs:
        await TASKS[name].kiq(payload)

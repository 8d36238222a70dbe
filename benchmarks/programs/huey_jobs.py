"""Huey: tasks, and how to send them."""

import os
import time

from huey import RedisHuey

from stamps import NAP_S, note

huey = RedisHuey("bench", url=os.environ["BENCH_REDIS_URL"])


@huey.task()
def noop(payload):
    """Do nothing."""


@huey.task()
def stamp(payload):
    """Note the time."""
    note(payload)


@huey.task()
def nap(payload):
    """Take 5 ms."""
    time.sleep(NAP_S)
    note(payload)


TASKS = {"noop": noop, "stamp": stamp, "nap": nap}


def send(jobs):
    """Send one by one: Huey has no bulk call."""
    for name, payload in jobs:
        TASKS[name](payload)

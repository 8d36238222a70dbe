"""Dramatiq: actors, and how to send them."""

import os
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from stamps import NAP_S, note

dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_REDIS_URL"]))


@dramatiq.actor
def noop(payload):
    """Do nothing."""


@dramatiq.actor
def stamp(payload):
    """Note the time."""
    note(payload)


@dramatiq.actor
def nap(payload):
    """Take 5 ms."""
    time.sleep(NAP_S)
    note(payload)


TASKS = {"noop": noop, "stamp": stamp, "nap": nap}


def send(jobs):
    """Send one by one: Dramatiq has no bulk call."""
    for name, payload in jobs:
        TASKS[name].send(payload)

"""RQ: functions, and how to send them."""

import os
import time

from redis import Redis
from rq import Queue

from stamps import NAP_S, note

queue = Queue(connection=Redis.from_url(os.environ["BENCH_REDIS_URL"]))


def noop(payload):
    """Do nothing."""


def stamp(payload):
    """Note the time."""
    note(payload)


def nap(payload):
    """Take 5 ms."""
    time.sleep(NAP_S)
    note(payload)


def send(jobs):
    """Send in bulk, one job by itself."""
    if len(jobs) == 1:
        queue.enqueue(f"rq_jobs.{jobs[0][0]}", jobs[0][1])
    else:
        queue.enqueue_many([Queue.prepare_data(f"rq_jobs.{name}", (payload,)) for name, payload in jobs])

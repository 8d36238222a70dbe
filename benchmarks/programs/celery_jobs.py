"""Celery: tasks, and how to send them. No result backend, which is its default."""

import os
import time

from celery import Celery

from stamps import NAP_S, note

app = Celery("bench", broker=os.environ["BENCH_REDIS_URL"])
app.conf.broker_connection_retry_on_startup = True


@app.task
def noop(payload):
    """Do nothing."""


@app.task
def stamp(payload):
    """Note the time."""
    note(payload)


@app.task
def nap(payload):
    """Take 5 ms."""
    time.sleep(NAP_S)
    note(payload)


TASKS = {"noop": noop, "stamp": stamp, "nap": nap}


def send(jobs):
    """Send one by one: Celery has no bulk call."""
    for name, payload in jobs:
        TASKS[name].delay(payload)

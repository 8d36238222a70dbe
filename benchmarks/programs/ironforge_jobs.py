"""IronForge: how Django code enqueues jobs in bulk, by the call that is documented for it."""

from __future__ import annotations

import os
from typing import Any

import django

# The feeder has an event loop for the libraries that need one. Nothing else waits there while a plain one is called.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()

from jobs.integrations.queue import enqueue_many, job  # noqa: E402

KINDS = {"noop": "email.send", "stamp": "bench.stamp", "nap": "bench.nap"}


def send(jobs: list[tuple[str, dict[str, Any]]]) -> None:
    """Enqueue all in one call."""
    enqueue_many(job(KINDS[name], payload, priority="high", max_retries=3) for name, payload in jobs)

"""A worker over HTTP: claims jobs, runs their handlers, keeps the leases alive and tells the outcomes."""

from __future__ import annotations

from ironforge_client.worker.context import Context
from ironforge_client.worker.verdict import Discard, Retry, Snooze
from ironforge_client.worker.worker import Worker

__all__ = ["Context", "Discard", "Retry", "Snooze", "Worker"]

"""Runs jobs. What a handler needs is here: `from workers import Context, Discard, Retry, Snooze, handler`."""

from __future__ import annotations

from workers.context import Context
from workers.registry import handler
from workers.verdict import Discard, Retry, Snooze

__all__ = ["Context", "Discard", "Retry", "Snooze", "handler"]

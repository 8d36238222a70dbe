"""Runs jobs. What a handler needs is here: `from workers import Context, Discard, Retry, Snooze, handler`."""

from __future__ import annotations

from jobs.domain.circuit import Circuit, RetryBudget
from jobs.domain.limit import Rate
from workers.code_schedules import schedule
from workers.context import Context
from workers.registry import handler, middleware
from workers.verdict import Cancelled, Discard, Retry, Snooze

__all__ = [
    "Cancelled",
    "Circuit",
    "Context",
    "Discard",
    "Rate",
    "Retry",
    "RetryBudget",
    "Snooze",
    "handler",
    "middleware",
    "schedule",
]

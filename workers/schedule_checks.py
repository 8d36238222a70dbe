"""Judges what handlers say with `@schedule`. Apart, for the zones cost memory and few workers have schedules."""

from __future__ import annotations

import time

from jobs.domain.errors import InvalidInput
from jobs.domain.schedule_body import read_draft
from workers.registry import HandlerError, Registry


def require_sound(registry: Registry) -> None:
    """Pass if each schedule is one. Raises HandlerError, which names the first that is none and why."""
    for name, source in registry.schedules().items():
        try:
            read_draft(source, now_ms=int(time.time() * 1000))
        except InvalidInput as wrong:
            problem = wrong.problems[0]
            raise HandlerError(f"@schedule {name!r}: {problem.pointer.lstrip('/')}: {problem.detail}") from wrong

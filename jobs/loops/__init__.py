"""Loops that are driven by the database, beside the faces: they call services and are safe in parallel."""

from __future__ import annotations

from jobs.loops.supervision import RunningLoops, start

__all__ = ["RunningLoops", "start"]

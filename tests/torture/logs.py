"""Looks through what the processes logged for what no log should hold."""

from __future__ import annotations

import json

from tests.torture.actor import Actor, Life

# A killed process may leave its last line half.
_FIELDS = frozenset({"timestamp", "level", "target", "event"})
_FAULTS = frozenset({"loop.crashed", "worker.crashed", "output"})


def oddities(actor: Actor) -> list[str]:
    """Return each line that is no log record or tells of an error that nobody foresaw, and each death of its own."""
    found = []
    for number, life in enumerate(actor.lives):
        lines = life.running.lines
        for place, line in enumerate(lines):
            is_cut_off = place == len(lines) - 1 and life.running.process.returncode not in (0, None)
            if (text := _oddity(line)) and not is_cut_off:
                found.append(f"{actor.name}: {text}")
        if (code := _unforeseen_end(life)) is not None:
            found.append(f"{actor.name}: life {number} ended by itself with code {code}: {lines[-1:]}")
    return found


def _oddity(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return f"not a log record: {line[:300]}"
    if not entry.keys() >= _FIELDS:
        return f"a log record without its fields: {line[:300]}"
    if "exception" in entry or entry["event"] in _FAULTS:
        return f"an error that nobody foresaw: {line[:6000]}"
    return None


def _unforeseen_end(life: Life) -> int | None:
    """Return the exit code of a process that ended though nobody of the run ended it; -9 is a handler's own doing."""
    code = life.running.process.returncode
    return code if not life.is_ours and code not in (None, 0, -9) else None

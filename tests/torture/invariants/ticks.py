"""Schedules: each instant became a job, and only one."""

from __future__ import annotations

from tests.torture.history import History
from tests.torture.invariants.finding import Judgement

EVERY_MS = 1000


def ticks(history: History) -> Judgement:
    """I12: of each schedule the instants that were fired are those up to its mark, each once."""
    judged = Judgement()
    count = 0
    for ns, ticked in history.ticks.items():
        wanted = set(range(ticked.first_ms, ticked.mark_ms + 1, EVERY_MS))
        count += len(wanted)
        for instant in sorted(wanted - ticked.fired.keys())[:5]:
            judged.add(f"{ns}: {instant} was decided and made no job")
        for instant in sorted(ticked.fired.keys() - wanted)[:5]:
            judged.add(f"{ns}: {instant} is no instant of the schedule, and made a job")
        for instant, number in sorted(ticked.fired.items()):
            if number > 1:
                judged.add(f"{ns}: {instant} made {number} jobs")
    judged.note = f"{count} instants of {len(history.ticks)} schedules"
    return judged

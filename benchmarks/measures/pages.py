"""Pages: how long each page of the console takes with many jobs stored, and what it weighs."""

from __future__ import annotations

from typing import Final

from benchmarks.competitor import OURS
from benchmarks.measure import Column, Measure
from benchmarks.reader import signed_in
from benchmarks.run import Run, Turn
from benchmarks.sample import median
from benchmarks.stack import Stack

LOOKS: Final = 5
_FILL_S: Final = 600.0
_PAGES: Final = (
    "", "queues", "jobs", "jobs?status=queued", "dead-letters", "errors", "workers", "schedules", "workflows",
    "operations", "limits", "webhooks", "history", "alerts", "namespaces", "audit", "system",
)  # fmt: skip


def _turn(stack: Stack, turn: Turn) -> None:
    jobs = turn.plan.console_jobs
    with stack.web() as (_, port):
        turn.say(f"filling up to {jobs} jobs")
        stack.feed("fill", jobs - 1, 0, limit_s=_FILL_S)
        reader = signed_in(stack, port)
        for name in _PAGES:
            address = f"/console/{name}"
            turn.say(f"{address} with {jobs} jobs")
            first, *rest = (reader.get(address) for _ in range(LOOKS + 1))
            turn.record(
                address,
                first_ms=first.ms,
                page_ms=median([answer.ms for answer in rest]),
                page_kb=first.size / 1000,
                visit_kb=reader.weight(address) / 1000,
            )


def take(run: Run) -> None:
    """Measure IronForge: all pages on one store."""
    run.rounds(MEASURE.name, OURS[:1], _turn, rounds=1)


MEASURE = Measure(
    name="pages",
    title="Pages of the console",
    text="A million jobs (in the short form 100 000) wait in one queue. Each page is fetched over HTTP by a signed-in "
    f"administrator over new connections: the first time after the server's start, then {LOOKS} times (median). "
    "kB: bytes on the wire, of the page alone and with all that a first visit fetches, styles, scripts and icons.",
    take=take,
    columns=(
        Column("first_ms", "first ms"),
        Column("page_ms", "then ms"),
        Column("page_kb", "page kB", 1),
        Column("visit_kb", "first visit kB"),
    ),
)

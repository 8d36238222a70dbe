"""Idle pickup: how long a job waits although a worker is free."""

from __future__ import annotations

from benchmarks.competitor import LEAST, OURS, PEERS
from benchmarks.measure import Chart, Column, Measure
from benchmarks.measures.drain import START_S
from benchmarks.process import wait_until
from benchmarks.run import Run, Turn
from benchmarks.sample import percentile
from benchmarks.stack import Stack

RATE = 50
WARM_UP = 20


def pick_up(stack: Stack, turn: Turn) -> None:
    """Send to an idle worker and record how long jobs wait."""
    jobs = turn.plan.pickup_jobs
    with stack.workers("one") as started:
        stack.feed("pace", WARM_UP, RATE)
        wait_until(lambda: len(stack.noted()) >= WARM_UP, START_S, started, "warm-up")
        stack.forget_notes()
        turn.say(f"{jobs} jobs at {RATE}/s")
        stack.feed("pace", jobs, RATE)
        wait_until(lambda: len(stack.noted()) >= jobs, START_S, started, "last job")
    waits = [(ran - sent) / 1000 for sent, ran in stack.noted()]
    turn.record(
        "idle worker", p50_ms=percentile(waits, 50), p99_ms=percentile(waits, 99), max_ms=percentile(waits, 100)
    )


def take(run: Run) -> None:
    """Measure all with one idle worker process."""
    run.rounds(MEASURE.name, (*OURS, LEAST, *PEERS), pick_up, rounds=run.plan.latency_rounds)


MEASURE = Measure(
    name="pickup",
    title="Idle pickup",
    text=f"{RATE} jobs a second are sent through the library to one idle worker process; the time from the call "
    "that sends a job to the first line of its handler, by the machine's monotonic clock.",
    take=take,
    columns=(Column("p50_ms", "P50 ms", 2), Column("p99_ms", "P99 ms", 2), Column("max_ms", "worst ms", 1)),
    charts=(Chart("p50_ms", "Idle pickup, P50", "ms", decimals=2, less_is_better=True),),
)

"""Drain: how fast workers get through a full queue of no-op jobs, and what that costs."""

from __future__ import annotations

import time

from benchmarks.competitor import LEAST, OURS, OWN_ALLOCATOR, PEERS, Setting
from benchmarks.measure import Chart, Column, Measure
from benchmarks.process import Started, Unfit, wait_until
from benchmarks.run import Run, Turn
from benchmarks.sample import rate
from benchmarks.stack import Stack

START_S = 30.0
STAMPS = 50
CASES: dict[Setting, str] = {"one": "one process", "best": "two cores"}


def drain(stack: Stack, turn: Turn, setting: Setting) -> None:
    """Fill a queue, start the workers of a setting, and record how fast they empty it."""
    jobs, every = turn.plan.drain_jobs, turn.plan.drain_jobs // STAMPS
    before = stack.store.cpu_us()
    stack.feed("fill", jobs, every)
    fed = stack.store.cpu_us()
    turn.say(f"{CASES[setting]}, draining {jobs} jobs")
    with stack.workers(setting) as started:
        wait_until(lambda: bool(stack.noted()), START_S, started, "first job")
        cpu_s, first = sum(one.cpu_s() for one in started), len(stack.noted())
        _wait(stack, started, turn.plan.drain_limit_s)
        done = len(stack.noted())
        used_s, drained = sum(one.cpu_s() for one in started) - cpu_s, stack.store.cpu_us()
    if done < 3:
        raise Unfit(f"only {done * every} jobs within {turn.plan.drain_limit_s:.0f} s")
    finished = (done - 1) * every
    turn.record(
        CASES[setting],
        jobs_per_s=rate([ran for _, ran in stack.noted()], every),
        store_us=(fed - before) / jobs + (drained - fed) / finished,
        worker_us=used_s * 1e6 / max((done - first) * every, 1),
        jobs=finished,
    )


def _wait(stack: Stack, started: list[Started], limit_s: float) -> None:
    """Return when all stamps are there or the time is over; a worker that ends early is Unfit."""
    deadline = time.monotonic() + limit_s
    wait_until(lambda: len(stack.noted()) > STAMPS or time.monotonic() > deadline, limit_s + 5, started, "end")


def take(run: Run) -> None:
    """Measure all with one process and with their best setting on two cores, in the same rounds."""

    def both(stack: Stack, turn: Turn) -> None:
        for setting in CASES:
            if setting == "best":
                stack.forget_notes()
                stack.store.client.flushall()
            drain(stack, turn, setting)

    run.rounds(MEASURE.name, (*OURS, OWN_ALLOCATOR, LEAST, *PEERS), both)


MEASURE = Measure(
    name="drain",
    title="Drain a full queue",
    text="No-op jobs are put in while no worker runs; then workers start. Every fiftieth part of the queue is a job "
    "that notes the time: the rate is taken between these notes, without the first tenth, so starting up counts for "
    "nobody. Who is slow is cut off after a time and judged by what is done. Store CPU is that of the whole job, from "
    "submit to settled; worker CPU is all of the worker's processes.",
    take=take,
    columns=(
        Column("jobs_per_s", "jobs/s"),
        Column("store_us", "store CPU µs/job", 1),
        Column("worker_us", "worker CPU µs/job", 1),
        Column("jobs", "jobs done"),
    ),
    charts=(
        Chart("jobs_per_s", "Drain, one worker process", "jobs/s", "one process"),
        Chart("jobs_per_s", "Drain, best setting on two cores", "jobs/s", "two cores"),
        Chart("store_us", "Store CPU per job, submit to settled", "µs", "one process", less_is_better=True),
    ),
)

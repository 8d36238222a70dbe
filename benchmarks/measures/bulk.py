"""Bulk: many jobs a request."""

from __future__ import annotations

from benchmarks.competitor import OURS
from benchmarks.http_load import Target, Wrk
from benchmarks.measure import Chart, Column, Measure
from benchmarks.measures.submit import WARM_UP_S
from benchmarks.payload import bulk_body
from benchmarks.run import Run, Turn
from benchmarks.stack import Stack

SIZES = (100, 1000)
CONNECTIONS = 4


def _turn(stack: Stack, turn: Turn) -> None:
    wrk = Wrk(turn.run.builder.wrk(), stack.folder)
    with stack.web() as (_, port):
        for size in SIZES:
            turn.say(f"{size} jobs a request")
            target = Target(port, bulk_body(size), "/jobs/bulk", stack.headers["Authorization"])
            wrk.press(target, CONNECTIONS, WARM_UP_S)
            found = wrk.press(target, CONNECTIONS, turn.plan.load_s)
            turn.record(
                f"{size} jobs a request",
                jobs_per_s=(found["requests"] - found["refused"]) * size / found["seconds"],
                p50_ms=found["p50_ms"],
                p99_ms=found["p99_ms"],
                failures=found["refused"] + found["broken"],
            )


def take(run: Run) -> None:
    """Measure both durability settings."""
    run.rounds(MEASURE.name, OURS[:2], _turn)


MEASURE = Measure(
    name="bulk",
    title="Bulk submit over HTTP",
    text=f"`POST /jobs/bulk` with a JSON array of the README's example, {CONNECTIONS} connections, one server "
    "process; jobs accepted per second. Every item is validated and answered by itself.",
    take=take,
    columns=(
        Column("jobs_per_s", "jobs/s"),
        Column("p50_ms", "P50 ms", 1),
        Column("p99_ms", "P99 ms", 1),
        Column("failures", "failures"),
    ),
    charts=(Chart("jobs_per_s", "Bulk submit, 1 000 jobs a request", "jobs/s", "1000 jobs a request"),),
)

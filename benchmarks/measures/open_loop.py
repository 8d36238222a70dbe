"""Open loop: latency at a fixed rate, without coordinated omission."""

from __future__ import annotations

import json
import os
import sys

from benchmarks import toolchain
from benchmarks.http_load import Target, Wrk
from benchmarks.measure import Chart, Column, Measure
from benchmarks.measures.submit import FACES, WARM_UP_S
from benchmarks.payload import BODY
from benchmarks.process import run_to_end
from benchmarks.run import Run, Turn
from benchmarks.stack import Stack

_SLACK_S = 30


def _turn(stack: Stack, turn: Turn) -> None:
    authorization = stack.headers.get("Authorization", "none")
    with stack.web() as (_, port):
        Wrk(turn.run.builder.wrk(), stack.folder).press(Target(port, BODY, authorization=authorization), 4, WARM_UP_S)
        for rate in turn.plan.open_rates:
            turn.say(f"{rate} requests/s for {turn.plan.open_s} s")
            environ = {
                "PATH": os.environ.get("PATH", ""),
                "BENCH_BODY": str(stack.folder / "body"),
                "BENCH_AUTHORIZATION": authorization,
            }
            argv = [sys.executable, str(toolchain.PROGRAMS / "open_loop.py"), str(port), str(rate)]
            log = stack.folder / "open.log"
            seconds = turn.plan.open_s
            found = json.loads(run_to_end([*argv, str(seconds)], environ, log, seconds + _SLACK_S, stack.folder))
            turn.record(f"{rate} requests/s", **found)


def take(run: Run) -> None:
    """Measure every HTTP face at fixed rates."""
    run.rounds(MEASURE.name, FACES, _turn, rounds=run.plan.latency_rounds)


MEASURE = Measure(
    name="open",
    title="Latency at a fixed rate",
    text="An open loop: requests leave at their time whether or not earlier ones were answered, and latency counts "
    "from that time, so a stall is charged to everyone who waited. The client's own lag is the last column but one; a "
    "server that cannot keep the rate builds a queue, which shows as seconds.",
    take=take,
    columns=(
        Column("p50_ms", "P50 ms", 2),
        Column("p99_ms", "P99 ms", 2),
        Column("p999_ms", "P99.9 ms", 2),
        Column("max_ms", "worst ms", 1),
        Column("failures", "failures"),
        Column("lag_p99_ms", "client lag P99 ms", 3),
        Column("client_cpu", "client CPU, cores", 2),
    ),
    charts=(
        Chart("p99_ms", "P99 latency at 1 000 requests/s", "ms", "1000 requests/s", decimals=1, less_is_better=True),
    ),
)

"""The worker protocol over HTTP: how many jobs a second get through one server process to a worker in any language."""

from __future__ import annotations

import json
import sys

from benchmarks import toolchain
from benchmarks.competitor import OURS
from benchmarks.measure import Chart, Column, Measure
from benchmarks.measures.drain import drain
from benchmarks.process import run_to_end
from benchmarks.run import Run, Turn
from benchmarks.stack import Stack

# Connections and jobs a request.
CASES = ((1, 100), (4, 100), (4, 10))


def _turn(stack: Stack, turn: Turn) -> None:
    key = stack.headers["Authorization"].removeprefix("Bearer ")
    for connections, batch in CASES:
        stack.store.client.flushall()
        jobs = turn.plan.drain_jobs if batch >= 100 else turn.plan.drain_jobs // 5
        stack.feed("fill", jobs, jobs)
        turn.say(f"{connections} connections, batches of {batch}, {jobs} jobs")
        with stack.web() as (server, port):
            before_us, before_s = stack.store.cpu_us(), server.cpu_s()
            words = [sys.executable, str(toolchain.PROGRAMS / "http_worker.py"), port, key, connections, batch]
            told = run_to_end(
                [str(word) for word in words], stack.environ, stack.folder / "http.log", 120.0, toolchain.PROGRAMS
            )
            done = json.loads(told.strip().splitlines()[-1])
            turn.record(
                f"{connections} connections, batches of {batch}",
                jobs_per_s=done["jobs"] / done["seconds"],
                server_us=(server.cpu_s() - before_s) * 1e6 / max(done["jobs"], 1),
                store_us=(stack.store.cpu_us() - before_us) / max(done["jobs"], 1),
                jobs=done["jobs"],
            )
    stack.store.client.flushall()
    drain(stack, turn, "one")


def take(run: Run) -> None:
    """Measure both durability settings, and the direct worker in the same rounds."""
    run.rounds(MEASURE.name, OURS[:2], _turn)


MEASURE = Measure(
    name="protocol",
    title="Workers over HTTP",
    text="A client claims no-op jobs from a full queue and settles them over HTTP, through one server process; the "
    "last row is the Python worker that asks the store itself, on the same jobs in the same round. Server CPU is that "
    "of the server process, store CPU that of claim and settle (of the whole job in the last row).",
    take=take,
    columns=(
        Column("jobs_per_s", "jobs/s"),
        Column("server_us", "server CPU µs/job", 1),
        Column("store_us", "store CPU µs/job", 1),
        Column("jobs", "jobs done"),
    ),
    charts=(Chart("jobs_per_s", "Workers over HTTP, batches of 100", "jobs/s", "4 connections, batches of 100"),),
)

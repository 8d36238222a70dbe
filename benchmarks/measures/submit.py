"""HTTP submit: closed loop at several numbers of connections."""

from __future__ import annotations

from benchmarks.competitor import BARE, DRF, OURS, PEERS
from benchmarks.http_load import Target, Wrk
from benchmarks.measure import Chart, Column, Measure
from benchmarks.payload import BODY
from benchmarks.run import Run, Turn
from benchmarks.stack import Stack

WARM_UP_S = 1
FACES = (BARE, OURS[0], OURS[1], DRF, *(peer for peer in PEERS if peer.web))


def _turn(stack: Stack, turn: Turn) -> None:
    wrk = Wrk(turn.run.builder.wrk(), stack.folder)
    with stack.web() as (started, port):
        target = Target(port, BODY, authorization=stack.headers.get("Authorization", ""))
        wrk.press(target, 4, WARM_UP_S)
        for connections in turn.plan.connections:
            turn.say(f"{connections} connections")
            cpu_s, store_us = started.cpu_s(), stack.store.cpu_us()
            found = wrk.press(target, connections, turn.plan.load_s)
            answered = found["requests"] - found["refused"]
            turn.record(
                f"{connections} connections",
                requests_per_s=answered / found["seconds"],
                p50_ms=found["p50_ms"],
                p99_ms=found["p99_ms"],
                failures=found["refused"] + found["broken"],
                server_us=(started.cpu_s() - cpu_s) * 1e6 / answered,
                store_us=(stack.store.cpu_us() - store_us) / answered,
            )


def take(run: Run) -> None:
    """Measure every HTTP face, one server process each."""
    run.rounds(MEASURE.name, FACES, _turn)


MEASURE = Measure(
    name="submit",
    title="Submit over HTTP",
    text="`POST /jobs` with the README's example, one server process, wrk on the same machine in a closed loop. "
    "IronForge checks an API key, validates, and answers after its store has; peers have no key to check and a store "
    "that keeps nothing on disk. The bare endpoint is the same server with an application that only reads the body "
    "and answers: the limit of HTTP here.",
    take=take,
    columns=(
        Column("requests_per_s", "requests/s"),
        Column("p50_ms", "P50 ms", 2),
        Column("p99_ms", "P99 ms", 2),
        Column("server_us", "server CPU µs"),
        Column("store_us", "store CPU µs"),
        Column("failures", "failures"),
    ),
    charts=(Chart("requests_per_s", "Submit over HTTP, 64 connections", "requests/s", "64 connections"),),
)

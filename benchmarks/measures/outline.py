"""One long run: 100 000 requests over 100 connections."""

from __future__ import annotations

import json
import re
import shutil

from benchmarks.competitor import OURS
from benchmarks.http_load import Target, Wrk
from benchmarks.measure import Column, Measure
from benchmarks.payload import BODY
from benchmarks.process import run_to_end
from benchmarks.run import Run, Turn
from benchmarks.stack import Stack

CONNECTIONS = 100
_LIMIT_S = 240


def _turn(stack: Stack, turn: Turn) -> None:
    requests = turn.plan.outline_requests
    oha = shutil.which("oha")
    with stack.web() as (_, port):
        turn.say(f"{requests} requests, {CONNECTIONS} connections, {'oha' if oha else 'wrk'}")
        authorization = stack.headers["Authorization"]
        if oha:
            found = _oha(oha, stack, port, requests)
        else:
            wrk = Wrk(turn.run.builder.wrk(), stack.folder)
            found = wrk.press(Target(port, BODY, authorization=authorization), CONNECTIONS, _LIMIT_S, requests)
        answered = found["requests"] - found["refused"]
        turn.record(
            f"{requests} requests",
            requests_per_s=answered / found["seconds"],
            p50_ms=found["p50_ms"],
            p99_ms=found["p99_ms"],
            failures=found["refused"] + found["broken"],
        )


def _oha(program: str, stack: Stack, port: int, requests: int) -> dict[str, float]:
    argv = [program, "-n", str(requests), "-c", str(CONNECTIONS), "-m", "POST", "--no-tui", "--output-format", "json"]
    argv += ["-T", "application/json", "-H", f"Authorization: {stack.headers['Authorization']}", "-d", BODY.decode()]
    told = run_to_end([*argv, f"http://127.0.0.1:{port}/jobs"], {}, stack.folder / "oha.log", _LIMIT_S, stack.folder)
    found = json.loads(told)
    codes = found["statusCodeDistribution"]
    refused = sum(count for code, count in codes.items() if not re.match("2", code))
    return {
        "requests": sum(codes.values()),
        "refused": refused,
        "broken": sum(found.get("errorDistribution", {}).values()),
        "seconds": found["summary"]["total"],
        "p50_ms": found["latencyPercentiles"]["p50"] * 1000,
        "p99_ms": found["latencyPercentiles"]["p99"] * 1000,
    }


def take(run: Run) -> None:
    """Measure both durability settings."""
    run.rounds(MEASURE.name, OURS[:2], _turn)


MEASURE = Measure(
    name="outline",
    title="Many requests at once",
    text=f"100 000 requests of the README's example over {CONNECTIONS} connections, one server process; with oha "
    "where it is installed, else wrk, which ends after that many.",
    take=take,
    columns=(
        Column("requests_per_s", "requests/s"),
        Column("p50_ms", "P50 ms", 2),
        Column("p99_ms", "P99 ms", 2),
        Column("failures", "failures"),
    ),
)

"""Where time goes: submit, claim and settle apart, in store and client, beside the cheapest scripts."""

from __future__ import annotations

import json
import sys

from benchmarks import toolchain
from benchmarks.competitor import OURS, OWN_ALLOCATOR
from benchmarks.measure import Column, Measure
from benchmarks.process import run_to_end
from benchmarks.run import Run, Turn
from benchmarks.stack import Stack

STEPS = ("submit", "claim", "settle")
_LIMIT_S = 300.0


def read_cost(stack: Stack, jobs: int, *words: str) -> dict[str, float]:
    """Run the program that measures, on the stack's store."""
    argv = [sys.executable, str(toolchain.PROGRAMS / "ironforge_cost.py"), str(jobs), *words]
    told = run_to_end(argv, stack.environ, stack.folder / "cost.log", _LIMIT_S, toolchain.PROGRAMS)
    found: dict[str, float] = json.loads(told.strip().splitlines()[-1])
    return found


def spend(stack: Stack, turn: Turn) -> None:
    """Record what each step costs, beside the cheapest scripts."""
    ours = read_cost(stack, turn.plan.cost_jobs)
    stack.store.client.flushall()
    least = read_cost(stack, turn.plan.cost_jobs, "cheapest")
    for step in STEPS:
        turn.record(
            step,
            store_us=ours[f"{step}_store_us"],
            script_us=ours[f"{step}_script_us"],
            client_us=ours[f"{step}_client_us"],
            wall_us=ours[f"{step}_wall_us"],
            cheapest_us=least[f"{step}_store_us"],
            share=100 * least[f"{step}_store_us"] / ours[f"{step}_store_us"],
        )
    whole, cheapest = (sum(found[f"{step}_store_us"] for step in STEPS) for found in (ours, least))
    client = sum(ours[f"{step}_client_us"] for step in STEPS)
    turn.record("all three", store_us=whole, client_us=client, cheapest_us=cheapest, share=100 * cheapest / whole)


def take(run: Run) -> None:
    """Measure both durability settings, Redis 7.0, and the store with its own allocator."""
    run.rounds(MEASURE.name, (*OURS, OWN_ALLOCATOR), spend)


MEASURE = Measure(
    name="cost",
    title="Where time goes",
    text="Submit, claim and settle by themselves, 100 jobs a call over one connection, in microseconds per job. Store "
    "CPU is the server process's own account, threads that write the log included. Beside it the cheapest script that "
    "could do the same work (a hash and a sorted set; no token, counter, event, hint or retention) in the same store, "
    "and how much of what IronForge spends that limit is.",
    take=take,
    columns=(
        Column("store_us", "store CPU µs", 1),
        Column("script_us", "in scripts µs", 1),
        Column("client_us", "client CPU µs", 1),
        Column("wall_us", "elapsed µs", 1),
        Column("cheapest_us", "cheapest store CPU µs", 1),
        Column("share", "limit ÷ IronForge %"),
    ),
)

"""Growth: what a job and a page cost when many jobs are stored."""

from __future__ import annotations

from benchmarks.competitor import OURS
from benchmarks.measure import Column, Measure
from benchmarks.measures.cost import STEPS, read_cost
from benchmarks.reader import Reader, signed_in
from benchmarks.run import Run, Turn
from benchmarks.sample import median
from benchmarks.stack import Stack

PAGES = {"overview_ms": "/console/", "jobs_ms": "/console/jobs"}
JOBS = 5_000
LOOKS = 5
_FILL_S = 600.0


def _turn(stack: Stack, turn: Turn) -> None:
    stored, least = 0, _least(stack, turn)
    with stack.web() as (_, port):
        reader = signed_in(stack, port)
        for size in turn.plan.growth_sizes:
            turn.say(f"filling up to {size} jobs")
            stack.feed("fill", size - stored - 1, 0, limit_s=_FILL_S)
            found = read_cost(stack, min(JOBS, size))
            stored = size + min(JOBS, size)
            steps = {f"{step}_us": found[f"{step}_store_us"] for step in STEPS}
            turn.record(
                f"{size} jobs",
                **steps,
                all_us=sum(steps.values()),
                cheapest_us=least[size],
                client_us=sum(found[f"{step}_client_us"] for step in STEPS),
                **{name: _look(reader, path) for name, path in PAGES.items()},
            )


def _least(stack: Stack, turn: Turn) -> dict[int, float]:
    """Return what the cheapest scripts cost at each size (store CPU, µs a job); the store is empty before and after."""
    found, stored = {}, 0
    for size in turn.plan.growth_sizes:
        turn.say(f"cheapest scripts with {size} jobs")
        read = read_cost(stack, min(JOBS, size), "cheapest", str(size - stored))
        stored = size + min(JOBS, size)
        found[size] = sum(read[f"{step}_store_us"] for step in STEPS)
    stack.store.client.flushall()
    return found


def _look(reader: Reader, path: str) -> float:
    """Return the median time of a page in milliseconds. Raises Unfit unless it is shown."""
    return median([reader.get(path).ms for _ in range(LOOKS + 1)][1:])


def take(run: Run) -> None:
    """Measure IronForge: the sizes of a round are compared with each other within minutes."""
    run.rounds(MEASURE.name, OURS[:1], _turn, rounds=run.plan.latency_rounds)


MEASURE = Measure(
    name="growth",
    title="Growth",
    text=f"Store CPU per job for {JOBS} submits, claims and settlements while so many jobs wait in the same queue, and "
    "the time of the console's overview and jobs pages for a signed-in administrator, over HTTP; beside it the "
    "cheapest scripts (below) with as many jobs. The store doubles its "
    "hash tables while it grows, a bucket with each insertion: Valkey 8.1 begins at 917 504 entries and ends some "
    "130 000 later, so a reading at 1 000 000 is in the middle of that and one at 1 200 000 behind it.",
    take=take,
    columns=(
        Column("submit_us", "submit µs", 1),
        Column("claim_us", "claim µs", 1),
        Column("settle_us", "settle µs", 1),
        Column("all_us", "all three µs", 1),
        Column("cheapest_us", "cheapest scripts µs", 1),
        Column("client_us", "client CPU µs", 1),
        Column("overview_ms", "overview ms"),
        Column("jobs_ms", "jobs page ms"),
    ),
)

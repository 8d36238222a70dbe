"""In-process submit: what a program that holds the library, not HTTP, can put in."""

from __future__ import annotations

from benchmarks.competitor import OURS, PEERS
from benchmarks.measure import Column, Measure
from benchmarks.run import Run, Turn
from benchmarks.stack import Stack


def _turn(stack: Stack, turn: Turn) -> None:
    jobs = turn.plan.batch_jobs if turn.competitor.is_ours else turn.plan.batch_jobs // 5
    before = stack.store.cpu_us()
    fed = stack.feed("fill", jobs, 0)
    turn.record(
        "in process",
        jobs_per_s=fed["jobs"] / fed["seconds"],
        client_us=fed["cpu_s"] * 1e6 / fed["jobs"],
        store_us=(stack.store.cpu_us() - before) / fed["jobs"],
    )


def take(run: Run) -> None:
    """Measure all libraries."""
    run.rounds(MEASURE.name, (*OURS, *PEERS), _turn)


MEASURE = Measure(
    name="batch",
    title="Submit in process",
    text="A program submits through the library itself: IronForge by `enqueue_many` from Django code, 200 jobs a call; "
    "RQ, streaQ, BullMQ and Sidekiq in bulk as well; the others one by one, since they have no bulk call. The store's "
    "figure has the cost of starting the client in it.",
    take=take,
    columns=(
        Column("jobs_per_s", "jobs/s"),
        Column("client_us", "client CPU µs/job", 1),
        Column("store_us", "store CPU µs/job", 1),
    ),
)

"""Masters: one namespace over twelve shards, on one, two and three masters of a Cluster."""

from __future__ import annotations

from benchmarks.cluster import Masters
from benchmarks.competitor import CLUSTERS, Setting
from benchmarks.measure import Column, Measure
from benchmarks.measures.drain import STAMPS, START_S
from benchmarks.process import Unfit, wait_until
from benchmarks.run import Run, Turn
from benchmarks.sample import rate
from benchmarks.stack import Stack

CASES: dict[Setting, str] = {"one": "one worker process", "best": "two worker processes"}


def _turn(stack: Stack, turn: Turn) -> None:
    for setting, case in CASES.items():
        _drain(stack, turn, setting, case)
        stack.forget_notes()
        stack.store.client.flushall()


def _drain(stack: Stack, turn: Turn, setting: Setting, case: str) -> None:
    store = stack.store
    if not isinstance(store, Masters):
        raise Unfit("it has no Cluster")
    jobs, every = turn.plan.drain_jobs, turn.plan.drain_jobs // STAMPS
    before = store.each_cpu_us()
    fed = stack.feed("fill", jobs, every)
    turn.say(f"{case}, draining {jobs} jobs")
    with stack.workers(setting) as started:
        limit_s = turn.plan.drain_limit_s * 3
        wait_until(lambda: bool(stack.noted()), START_S, started, "first job")
        wait_until(lambda: len(stack.noted()) > STAMPS, limit_s, started, "end")
        used = [now - then for now, then in zip(store.each_cpu_us(), before, strict=True)]
    store_us, busiest = sum(used) / jobs, max(used) / sum(used)
    turn.record(
        case,
        submit_per_s=fed["jobs"] / fed["seconds"],
        drain_per_s=rate([ran for _, ran in stack.noted()], every),
        store_us=store_us,
        busiest=100 * busiest,
        model_per_s=1e6 / store_us / busiest,
    )


def take(run: Run) -> None:
    """Measure one, two and three masters in the same rounds."""
    run.rounds(MEASURE.name, CLUSTERS, _turn)


MEASURE = Measure(
    name="masters",
    title="Several masters",
    text="One namespace over twelve shards (`IRONFORGE_SHARDS=12`) on one, two and three masters of a Cluster: no-op "
    "jobs put in from Django code (200 a call, one process), then drained. Masters, client and workers share this "
    "machine's two cores, so more masters cannot make it faster here, and that is what the first two columns show. "
    "What a master costs is measured: store CPU per job, of all masters together, and the busiest one's share. The "
    "last column is the model: a master is one thread, so with a core for each the store takes 1 000 000 µs ÷ (store "
    "CPU per job × the busiest master's share) jobs a second from submit to settled, as long as there are servers and "
    "workers to keep it busy, each of which needs the CPU that the tables above give.",
    take=take,
    columns=(
        Column("submit_per_s", "submitted/s"),
        Column("drain_per_s", "drained/s"),
        Column("store_us", "store CPU µs/job", 1),
        Column("busiest", "busiest master %"),
        Column("model_per_s", "model: jobs/s with a core a master"),
    ),
    is_short=False,
)

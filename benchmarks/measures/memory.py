"""Memory: of workers after they have worked, and of the store for jobs that wait."""

from __future__ import annotations

import json
import time
from typing import cast

from benchmarks.competitor import OURS, OWN_ALLOCATOR, PEERS, Setting
from benchmarks.measure import Chart, Column, Measure
from benchmarks.measures.drain import STAMPS, START_S
from benchmarks.payload import payload_of
from benchmarks.process import wait_until
from benchmarks.run import Run, Turn
from benchmarks.stack import Stack

CASES: dict[str, tuple[str, int]] = {"one": ("one process", 1), "four": ("four processes", 4)}
PAYLOADS = (50, 500)
_REST_S = 1.0


def _worker_turn(stack: Stack, turn: Turn) -> None:
    jobs, every = turn.plan.memory_jobs, turn.plan.memory_jobs // STAMPS
    for setting in turn.plan.memory_settings:
        case, processes = CASES[setting]
        stack.store.client.flushall()
        stack.feed("fill", jobs, every)
        turn.say(f"{case}, {jobs} jobs")
        with stack.workers(cast("Setting", setting)) as started:
            wait_until(lambda: bool(stack.noted()), START_S, started, "first job")
            deadline = time.monotonic() + turn.plan.memory_limit_s
            wait_until(
                lambda deadline=deadline: len(stack.noted()) > STAMPS or time.monotonic() > deadline,
                turn.plan.memory_limit_s + 5, started, "end",
            )  # fmt: skip
            time.sleep(_REST_S)
            pss_mib = sum(one.pss_bytes() for one in started) / 2**20
        done = max(len(stack.noted()) - 1, 0) * every
        stack.forget_notes()
        turn.record(case, pss_mib=pss_mib, per_process_mib=pss_mib / processes, jobs=done)


def _stored_turn(stack: Stack, turn: Turn) -> None:
    jobs = turn.plan.stored_jobs
    stack.feed("fill", 1, 0)
    for size in PAYLOADS:
        turn.say(f"{jobs} queued jobs of {size} bytes")
        stack.environ["BENCH_PAYLOAD"] = json.dumps(payload_of(size), separators=(",", ":"))
        before = stack.store.used_bytes()
        fed = stack.feed("fill", jobs, 0)
        per_job = (stack.store.used_bytes() - before) / fed["jobs"]
        turn.record(f"payload of {size} bytes", bytes_per_job=per_job, beside_payload=per_job - size)


def take_workers(run: Run) -> None:
    """Measure all, once: memory does not depend on how busy the machine is."""
    run.rounds(WORKERS.name, (*OURS[:2], *PEERS), _worker_turn, rounds=1)


def take_stored(run: Run) -> None:
    """Measure all, once."""
    run.rounds(STORED.name, (*OURS[:1], OWN_ALLOCATOR, OURS[2], *PEERS), _stored_turn, rounds=1)


WORKERS = Measure(
    name="memory",
    title="Memory of a worker",
    text="Proportional set size (PSS) of the worker's whole process tree, master processes included, a second after "
    "its last job; shared pages count once. Per process is the whole divided by the processes asked for.",
    take=take_workers,
    columns=(
        Column("pss_mib", "PSS MiB", 1),
        Column("per_process_mib", "MiB a process", 1),
        Column("jobs", "jobs done before"),
    ),
    charts=(Chart("pss_mib", "Memory of one worker process", "MiB PSS", "one process", less_is_better=True),),
)
STORED = Measure(
    name="stored",
    title="Memory of a queued job",
    text="What the store's `used_memory` grows by for each queued job, with all that is kept beside the job itself "
    "(index entries, counters, events).",
    take=take_stored,
    columns=(Column("bytes_per_job", "bytes a job"), Column("beside_payload", "beside the payload")),
)

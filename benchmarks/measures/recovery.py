"""Recovery: what a killed worker leaves behind."""

from __future__ import annotations

import itertools
import time
from collections import Counter

from benchmarks.competitor import OURS, PEERS
from benchmarks.measure import Column, Measure
from benchmarks.measures.drain import START_S
from benchmarks.process import Started, wait_until
from benchmarks.run import Run, Turn
from benchmarks.stack import Stack

JOBS = 1_000
KILL_AT = 300


def _turn(stack: Stack, turn: Turn) -> None:
    stack.feed("naps", JOBS)
    with stack.workers("one") as started:
        wait_until(lambda: len(stack.noted()) >= KILL_AT, START_S, started, f"{KILL_AT} jobs")
        for one in started:
            one.kill()
    killed_us = time.monotonic_ns() // 1000
    turn.say("killed; another worker goes on")
    with stack.workers("one") as started:
        _wait(stack, started, turn.plan.recovery_limit_s)
    turn.record("the only worker is killed, another starts", **_found(stack, killed_us))
    if not turn.competitor.is_ours:
        return
    stack.forget_notes()
    stack.feed("naps", JOBS)
    with stack.workers("best") as started:
        wait_until(lambda: len(stack.noted()) >= KILL_AT, START_S, started, f"{KILL_AT} jobs")
        started[0].kill_child()
        killed_us = time.monotonic_ns() // 1000
        turn.say("a child is killed; its parent goes on")
        _wait(stack, started, turn.plan.recovery_limit_s)
    turn.record("one of two children is killed, its parent sees to it", **_found(stack, killed_us))


def _wait(stack: Stack, started: list[Started], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    wait_until(
        lambda: len({number for number, _ in stack.noted()}) >= JOBS or time.monotonic() > deadline,
        limit_s + 5, started, "end",
    )  # fmt: skip


def _found(stack: Stack, killed_us: int) -> dict[str, float]:
    noted = stack.noted()
    runs = Counter(number for number, _ in noted)
    times = sorted({killed_us, *(ran for _, ran in noted if ran > killed_us)})
    return {
        "missing": JOBS - len(runs),
        "twice": sum(1 for count in runs.values() if count > 1),
        "gap_s": max((later - earlier for earlier, later in itertools.pairwise(times)), default=0) / 1e6,
        "last_s": (times[-1] - killed_us) / 1e6,
    }


def take(run: Run) -> None:
    """Measure all, once."""
    run.rounds(MEASURE.name, (*OURS[:2], *PEERS), _turn, rounds=1)


MEASURE = Measure(
    name="recovery",
    title="A killed worker",
    text=f"{JOBS} jobs of 5 ms; the only worker is killed with SIGKILL after {KILL_AT}, another starts at once. "
    "Missing are jobs that had not run when the time was over; twice are those whose handler finished more than once, "
    "which an at-least-once queue may do; the gap is the longest silence after the kill, the new worker's start "
    "included.",
    take=take,
    columns=(
        Column("missing", "missing"),
        Column("twice", "finished twice"),
        Column("gap_s", "longest gap s", 1),
        Column("last_s", "last job after s", 1),
    ),
    is_short=False,
)

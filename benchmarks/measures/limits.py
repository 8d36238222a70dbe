"""What a claim costs with limits by key, and in many namespaces, beside the plain claim."""

from __future__ import annotations

import json
import sys
from typing import Final

from benchmarks import toolchain
from benchmarks.competitor import OURS
from benchmarks.measure import Column, Measure
from benchmarks.process import run_to_end
from benchmarks.run import Run, Turn
from benchmarks.stack import Stack

_LIMIT_S = 300.0
# What each case is called here, in the program, and what it is measured against.
CASES: Final = (
    ("plain, 100 a claim", "plain", "plain"),
    ("1 key", "1", "plain"),
    ("100 keys", "100", "plain"),
    ("10 000 keys", "10000", "plain"),
    ("past 10 000 full keys", "full", "plain"),
    ("plain, 10 a claim", "one", "one"),
    ("1 000 namespaces, 10 a claim", "namespaces", "one"),
)


def spend(stack: Stack, turn: Turn) -> None:
    """Record what a claim costs in each case."""
    argv = [sys.executable, str(toolchain.PROGRAMS / "ironforge_limits.py"), str(turn.plan.cost_jobs)]
    told = run_to_end(argv, stack.environ, stack.folder / "limits.log", _LIMIT_S, toolchain.PROGRAMS)
    found: dict[str, float] = json.loads(told.strip().splitlines()[-1])
    for case, name, plain in CASES:
        store_us = found[f"{name}_store_us"]
        turn.record(
            case,
            store_us=store_us,
            script_us=found[f"{name}_script_us"],
            wall_us=found[f"{name}_wall_us"],
            ratio=store_us / found[f"{plain}_store_us"],
        )


def take(run: Run) -> None:
    """Measure with each setting of durability."""
    run.rounds(MEASURE.name, OURS, spend)


MEASURE = Measure(
    name="limits",
    title="What limits cost",
    text="Claims over one connection, in microseconds per job that is handed out; store CPU as above. Each case is "
    "compared with the plain claim of the same run. With keys every job has one, and the limit of the keys lets all "
    "start. Past full keys: 10 000 keys of which each runs one job and holds one back, and jobs without a key behind "
    "them. Namespaces: a worker that serves 1 000 claims from one after the other, against as many claims from one. "
    "The aim is 2. The cases take turns, a thousand jobs each, so that what slows the machine or the store down in "
    "between, as the rewriting of its log does, meets all of them.",
    take=take,
    columns=(
        Column("store_us", "store CPU µs", 1),
        Column("script_us", "in scripts µs", 1),
        Column("wall_us", "elapsed µs", 1),
        Column("ratio", "× plain", 2),
    ),
)

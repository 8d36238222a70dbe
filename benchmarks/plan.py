"""How much is measured: the short form fits about ten minutes, the full one about an hour and a half."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes and times of a run. Times in seconds; `budget_s` bounds a measure: no further round begins beyond it."""

    form: str
    rounds: int
    latency_rounds: int  # of measures whose one round has many readings by itself
    connections: tuple[int, ...]
    load_s: int
    open_rates: tuple[int, ...]
    open_s: int
    batch_jobs: int
    drain_jobs: int
    drain_limit_s: float
    pickup_jobs: int
    memory_jobs: int
    memory_limit_s: float
    memory_settings: tuple[str, ...]
    stored_jobs: int
    growth_sizes: tuple[int, ...]
    console_jobs: int
    cost_jobs: int
    live_browsers: int
    live_rate: int
    live_s: float
    outline_requests: int
    recovery_limit_s: float
    budget_s: float


SHORT: Final = Plan(
    form="short",
    rounds=2,
    latency_rounds=1,
    connections=(1, 64),
    load_s=2,
    open_rates=(1000,),
    open_s=5,
    batch_jobs=10_000,
    drain_jobs=5_000,
    drain_limit_s=4.0,
    pickup_jobs=100,
    memory_jobs=5_000,
    memory_limit_s=4.0,
    memory_settings=("one",),
    stored_jobs=5_000,
    growth_sizes=(10_000, 100_000),
    console_jobs=100_000,
    cost_jobs=10_000,
    live_browsers=200,
    live_rate=5_000,
    live_s=8.0,
    outline_requests=20_000,
    recovery_limit_s=20.0,
    budget_s=170.0,
)
FULL: Final = Plan(
    form="full",
    rounds=3,
    latency_rounds=3,
    connections=(1, 16, 64),
    load_s=5,
    open_rates=(500, 1000),
    open_s=20,
    batch_jobs=50_000,
    drain_jobs=50_000,
    drain_limit_s=20.0,
    pickup_jobs=200,
    memory_jobs=20_000,
    memory_limit_s=60.0,
    memory_settings=("one", "four"),
    stored_jobs=10_000,
    growth_sizes=(10_000, 100_000, 1_000_000, 1_200_000),
    console_jobs=1_000_000,
    cost_jobs=50_000,
    live_browsers=200,
    live_rate=5_000,
    live_s=20.0,
    outline_requests=100_000,
    recovery_limit_s=60.0,
    budget_s=2_400.0,
)
TINY: Final = replace(
    SHORT,
    form="tiny",
    rounds=1,
    connections=(4,),
    load_s=1,
    open_s=1,
    open_rates=(100,),
    batch_jobs=1_000,
    drain_jobs=1_000,
    drain_limit_s=10.0,
    pickup_jobs=20,
    memory_jobs=500,
    stored_jobs=1_000,
    growth_sizes=(1_000, 2_000),
    console_jobs=1_000,
    cost_jobs=500,
    live_browsers=10,
    live_rate=500,
    live_s=1.0,
    outline_requests=200,
)

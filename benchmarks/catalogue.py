"""Every measure, in the order in which a run takes them and the page shows them."""

from __future__ import annotations

from typing import Final

from benchmarks.measure import Measure
from benchmarks.measures import (
    batch,
    bulk,
    cost,
    drain,
    growth,
    limits,
    live,
    masters,
    memory,
    open_loop,
    outline,
    pages,
    pickup,
    protocol,
    recovery,
    search,
    submit,
)

MEASURES: Final[tuple[Measure, ...]] = (
    submit.MEASURE,
    open_loop.MEASURE,
    bulk.MEASURE,
    batch.MEASURE,
    drain.MEASURE,
    protocol.MEASURE,
    pickup.MEASURE,
    memory.WORKERS,
    memory.STORED,
    growth.MEASURE,
    pages.MEASURE,
    search.MEASURE,
    cost.MEASURE,
    limits.MEASURE,
    live.MEASURE,
    masters.MEASURE,
    recovery.MEASURE,
    outline.MEASURE,
)
BY_NAME: Final = {measure.name: measure for measure in MEASURES}

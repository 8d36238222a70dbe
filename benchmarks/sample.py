"""Numbers out of many: medians, percentiles, and how far rounds lie apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` percent of all do not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    if not 0 < share <= 100:
        raise ValueError(f"a percentile is above 0 and at most 100, not {share}")
    ordered = sorted(values)
    return ordered[math.ceil(share / 100 * len(ordered)) - 1]


def median(values: Iterable[float]) -> float:
    """Return the middle value, the mean of the middle two for an even count. Raises ValueError for none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def spread(values: Sequence[float]) -> float:
    """Return how far the values lie apart: (largest - smallest) / median; 0 where the median is 0."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def rate(times_us: Sequence[int], jobs_between: int, warm_up: float = 0.1) -> float:
    """Return jobs per second from the time stamps of every `jobs_between`-th job, the first tenth left out."""
    ordered = sorted(times_us)[int(len(times_us) * warm_up) :]
    if len(ordered) < 2 or ordered[-1] == ordered[0]:
        raise ValueError("too few time stamps for a rate")
    return (len(ordered) - 1) * jobs_between / (ordered[-1] - ordered[0]) * 1_000_000

"""What a run found: readings, reasons for what is missing, and facts about the moment. Kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.sample import median, spread

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """What one competitor did once. The names of values end in their unit."""

    measure: str
    competitor: str
    case: str
    round: int
    values: Mapping[str, float]


@dataclass(slots=True)
class Result:
    """One run, or several put together measure by measure."""

    facts: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, dict[str, Any]] = field(default_factory=dict)  # when, how long, load, what else ran
    readings: list[Reading] = field(default_factory=list)
    missing: dict[str, dict[str, str]] = field(default_factory=dict)  # measure → competitor → reason
    stores: dict[str, str] = field(default_factory=dict)  # competitor → store

    def record(self, reading: Reading) -> None:
        """Keep a reading."""
        self.readings.append(reading)

    def miss(self, measure: str, competitor: str, reason: str) -> None:
        """Keep why a competitor has no reading."""
        self.missing.setdefault(measure, {})[competitor] = reason

    def cases(self, measure: str) -> list[str]:
        """Return the cases of a measure in the order they were first read."""
        return list(dict.fromkeys(reading.case for reading in self.readings if reading.measure == measure))

    def competitors(self, measure: str) -> list[str]:
        """Return who has readings of a measure, in the order of the first."""
        return list(dict.fromkeys(reading.competitor for reading in self.readings if reading.measure == measure))

    def medians(self, measure: str, competitor: str, case: str) -> dict[str, float]:
        """Return the median of each value over the rounds; empty if there is no reading."""
        found = self._values(measure, competitor, case)
        return {name: median(values) for name, values in found.items()}

    def spreads(self, measure: str, competitor: str, case: str) -> dict[str, float]:
        """Return how far the rounds lie apart, as a share of the median."""
        return {name: spread(values) for name, values in self._values(measure, competitor, case).items()}

    def put_over(self, other: Result) -> None:
        """Take each measure of a later run instead of this one's."""
        names = set(other.measures)
        self.readings = [reading for reading in self.readings if reading.measure not in names] + other.readings
        self.missing = {name: found for name, found in self.missing.items() if name not in names} | other.missing
        self.measures |= other.measures
        self.stores |= other.stores
        self.facts = other.facts

    def save(self, path: Path) -> None:
        """Write the run; whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False)
        partial = path.with_suffix(".part")
        partial.write_text(text + "\n")
        partial.rename(path)

    def _values(self, measure: str, competitor: str, case: str) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for reading in self.readings:
            if (reading.measure, reading.competitor, reading.case) == (measure, competitor, case):
                for name, value in reading.values.items():
                    found.setdefault(name, []).append(value)
        return found


def load(path: Path) -> Result:
    """Read a run. Raises ValueError for a file that is none."""
    held = json.loads(path.read_text())
    if held.get("format") != FORMAT:
        raise ValueError(f"{path} is no result of this version of the suite")
    readings = [Reading(**reading) for reading in held["readings"]]
    return Result(held["facts"], held["measures"], readings, held["missing"], held["stores"])

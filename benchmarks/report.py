"""Readings into tables: one for each case of a measure, competitors from the best to the last."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.competitor import ALL
from benchmarks.measure import Measure
from benchmarks.result import Result
from benchmarks.table import Table, number, table

_SHAKY = 0.3


def label_of(measure: Measure, name: str) -> str:
    """Return what a competitor is called in a measure: by its HTTP face where that is measured."""
    competitor = ALL[name]
    return competitor.web_label if measure.name in {"submit", "open"} and competitor.web_label else competitor.label


def tables(measure: Measure, result: Result) -> Iterator[tuple[str, Table]]:
    """Yield each case with its table of medians; where only IronForge is measured, one table of all cases."""
    names = result.competitors(measure.name)
    cases = result.cases(measure.name)
    if len(names) == 1:
        rows = [[case, *_cells(measure, result, names[0], case)] for case in cases]
        yield label_of(measure, names[0]), table(["", *(column.heading for column in measure.columns)], rows)
        return
    for case in cases:
        rows = [
            [label_of(measure, name), *_cells(measure, result, name, case)]
            for name in names
            if result.medians(measure.name, name, case)
        ]
        yield case, table(["", *(column.heading for column in measure.columns)], rows)


def shaky(measure: Measure, result: Result) -> list[str]:
    """Return readings whose first value differs between rounds by more than 30 % of its median."""
    value = measure.columns[0].value
    found = []
    for case in result.cases(measure.name):
        for name in result.competitors(measure.name):
            apart = result.spreads(measure.name, name, case).get(value, 0.0)
            if apart > _SHAKY:
                found.append(f"{label_of(measure, name)} ({case}): {apart:.0%}")
    return found


def text(measure: Measure, result: Result) -> str:
    """Return all of a measure for the terminal."""
    facts = result.measures.get(measure.name, {})
    lines = [f"{measure.title}  (rounds: {facts.get('rounds', 0)}, {facts.get('seconds', 0)} s, medians)"]
    for case, found in tables(measure, result):
        lines += ["", f"  {case}", *(f"    {line}" for line in found.text().splitlines())]
    missing = result.missing.get(measure.name, {})
    lines += ["", *(f"  skipped {name}: {reason}" for name, reason in missing.items())] if missing else []
    return "\n".join(lines) + "\n"


def _cells(measure: Measure, result: Result, name: str, case: str) -> list[str]:
    values = result.medians(measure.name, name, case)
    return [number(values.get(column.value), column.decimals) for column in measure.columns]

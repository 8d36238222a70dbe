"""Writes docs/performance.md and its charts from a run; nothing on that page is typed by hand but the method."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import toolchain
from benchmarks.catalogue import MEASURES
from benchmarks.competitor import ALL, BARE, LEAST
from benchmarks.measure import Chart, Measure
from benchmarks.report import label_of, shaky, tables
from benchmarks.result import Result
from benchmarks.svg import Bar, bar_chart

PAGE: Final = toolchain.ROOT / "docs" / "performance.md"
IMAGES: Final = toolchain.ROOT / "docs" / "images"
METHOD: Final = toolchain.HERE / "method.md"
_NO_RUN: Final = "No run has been published yet: `make bench` measures on your machine.\n"


def publish(result: Result | None, page: Path = PAGE, images: Path = IMAGES) -> list[Path]:
    """Write page and charts, remove charts that no longer belong, and return what was written."""
    written = [page]
    parts = [METHOD.read_text().rstrip(), ""]
    for old in images.glob("performance-*.svg"):
        old.unlink()
    if result is None:
        parts += ["## Results", "", _NO_RUN]
    else:
        parts += ["## Results", "", *_about(result)]
        for measure in MEASURES:
            if measure.name in result.measures:
                parts += [*_section(measure, result, images, written), ""]
    page.write_text("\n".join(parts).rstrip() + "\n")
    return written


def _about(result: Result) -> Iterator[str]:
    facts = result.facts
    machine = facts["machine"]
    yield (
        f"Measured up to {facts['at'][:10]} and commit `{facts['commit']}`: {machine['cores']} cores, "
        f"{machine['memory_gib']:.0f} GiB, {machine['system']}, kernel {machine['kernel']}, Python "
        f"{machine['python']}. Medians of the rounds of one run; each section says when it was, and on which processor."
    )
    yield ""
    yield "Versions: " + ", ".join(f"{name} {version}" for name, version in facts["versions"].items()) + "."
    yield ""
    stores: dict[str, list[str]] = {}
    for name, store in result.stores.items():
        stores.setdefault(store, []).append(ALL[name].label)
    yield "Stores: " + "; ".join(f"{store} ({', '.join(names)})" for store, names in stores.items()) + "."
    yield ""


def _section(measure: Measure, result: Result, images: Path, written: list[Path]) -> Iterator[str]:
    facts = result.measures[measure.name]
    yield f"### {measure.title}"
    yield ""
    yield measure.text
    yield ""
    for number, chart in enumerate(measure.charts, 1):
        drawn = _draw(measure, chart, result)
        if drawn:
            path = images / f"performance-{measure.name}{'' if len(measure.charts) == 1 else f'-{number}'}.svg"
            path.write_text(drawn)
            written.append(path)
            yield f"![{chart.title}](images/{path.name})"
            yield ""
    for case, table in tables(measure, result):
        yield f"**{case}**"
        yield ""
        yield table.markdown()
        yield ""
    for name, reason in result.missing.get(measure.name, {}).items():
        yield f"- Not measured: {label_of(measure, name)}: {reason}"
    apart = shaky(measure, result)
    if apart:
        yield f"- Rounds far apart: {'; '.join(apart)}."
    busy = ", ".join(facts["others"]) or "nothing"
    on = f"On {facts['at'][:10]}, {facts['processor']}. " if "at" in facts else ""
    yield (
        f"- {on}Rounds: {facts['rounds']}, {facts['seconds']} s in all; load {facts['load_before'][0]} before, "
        f"{facts['load_after'][0]} after; also busy before: {busy}."
    )


def _draw(measure: Measure, chart: Chart, result: Result) -> str:
    """Return the chart, empty when nobody has that value."""
    cases = result.cases(measure.name)
    case = chart.case if chart.case in cases else (cases[-1] if cases else "")
    bars = []
    for name in result.competitors(measure.name):
        values = result.medians(measure.name, name, case)
        if chart.value in values:
            is_ours = ALL[name].is_ours and name not in (BARE.name, LEAST.name)
            bars.append(Bar(label_of(measure, name), values[chart.value], is_ours))
    if not bars:
        return ""
    return bar_chart(
        chart.title if case == chart.case or not chart.case else f"{measure.title}, {case}",
        chart.unit,
        bars,
        decimals=chart.decimals,
        less_is_better=chart.less_is_better,
    )

"""The suite's own arithmetic: percentiles, medians, rates, tables, charts, and what is kept of a run."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import options, page
from benchmarks.catalogue import MEASURES
from benchmarks.http_load import read
from benchmarks.payload import bulk_body, payload_of
from benchmarks.process import Unfit
from benchmarks.report import shaky, tables, text
from benchmarks.result import Reading, Result, load
from benchmarks.sample import median, percentile, rate, spread
from benchmarks.svg import Bar, bar_chart
from benchmarks.table import number, table

SUBMIT = MEASURES[0]


@pytest.mark.parametrize(("share", "expected"), [(50, 5), (90, 9), (99, 10), (100, 10), (1, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], share) == expected


@pytest.mark.parametrize("share", [0, 101])
def test_a_percentile_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile([1], share)


def test_the_median_of_an_even_count_lies_between_the_middle_two() -> None:
    assert median([4, 1, 3, 2]) == 2.5
    assert median([3, 1, 2]) == 2
    assert spread([90, 100, 110]) == pytest.approx(0.2)


@pytest.mark.parametrize("summary", [median, lambda values: percentile(values, 50)])
def test_nothing_has_no_middle(summary: object) -> None:
    with pytest.raises(ValueError, match="no values"):
        summary([])  # type: ignore[operator]


def test_a_rate_leaves_the_first_tenth_out() -> None:
    late_start = [0, *range(5_000_000, 5_000_000 + 19 * 1_000, 1_000)]
    assert rate(late_start, 100) == pytest.approx(100_000)


def test_one_time_stamp_is_no_rate() -> None:
    with pytest.raises(ValueError, match="too few"):
        rate([1], 100)


def test_tables_are_aligned_and_have_a_dash_for_what_is_missing() -> None:
    made = table(["", "jobs/s"], [["IronForge", number(12345.6)], ["RQ", number(None)]])
    assert made.text().splitlines() == ["           jobs/s", "IronForge  12 346", "RQ              –"]
    assert made.markdown().splitlines()[1] == "| --- | ---: |"


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="width"):
        table(["a", "b"], [["only one"]])


def test_a_chart_is_well_formed_and_the_best_stands_first() -> None:
    drawn = ET.fromstring(bar_chart("Wait & see", "ms", [Bar("a", 3, True), Bar("<b>", 1, False)], less_is_better=True))  # noqa: S314
    names = [node.text for node in drawn.iter() if node.get("class") == "name"]
    lengths = [float(node.get("width", 0)) for node in drawn.iter() if node.get("class") in {"ours", "peer"}]
    assert names == ["<b>", "a"]
    assert lengths[1] == pytest.approx(3 * lengths[0], abs=0.1)


def test_the_answer_of_the_load_generator_is_found_among_its_lines() -> None:
    assert read('Running 1s test\nRESULT {"requests": 5}\n') == {"requests": 5}
    with pytest.raises(Unfit):
        read("unable to connect")


def test_payloads_have_the_size_that_was_asked_for() -> None:
    assert len('{"text":""}') + len(payload_of(500)["text"]) == 500
    assert bulk_body(3).count(b"email.send") == 3


def _result() -> Result:
    result = Result(facts={"at": "2026-01-01T00:00:00Z", "commit": "abc", "versions": {"Django": "5.2"}})
    result.facts["machine"] = {
        "processor": "P", "cores": 2, "memory_gib": 24.0, "system": "S", "kernel": "K", "python": "3.11"
    }  # fmt: skip
    facts = {"rounds": 2, "seconds": 9, "load_before": [0.1], "load_after": [0.2], "others": []}
    result.measures[SUBMIT.name] = facts
    for turn, rates in enumerate([(9000, 500), (10_000, 1000)]):
        for name, found in zip(("ironforge", "celery"), rates, strict=True):
            result.record(Reading(SUBMIT.name, name, "64 connections", turn, {"requests_per_s": found}))
    result.miss(SUBMIT.name, "bullmq", "node is not on PATH")
    result.stores = {"ironforge": "valkey", "celery": "redis"}
    return result


def test_rounds_that_lie_apart_are_named() -> None:
    assert shaky(SUBMIT, _result()) == ["Django + DRF + Celery (64 connections): 67%"]


def test_a_report_shows_medians_and_why_somebody_is_missing() -> None:
    ((case, found),) = tables(SUBMIT, _result())
    assert (case, found.rows[0][:2], found.rows[1][1]) == ("64 connections", ("IronForge, everysec", "9 500"), "750")
    assert "skipped bullmq: node is not on PATH" in text(SUBMIT, _result())


def test_a_run_is_read_back_as_it_was_kept(tmp_path: Path) -> None:
    kept = _result()
    kept.save(tmp_path / "run.json")
    assert load(tmp_path / "run.json") == kept


def test_a_later_run_replaces_whole_measures() -> None:
    result, later = _result(), Result(facts={}, measures={SUBMIT.name: {}})
    later.record(Reading(SUBMIT.name, "ironforge", "64 connections", 0, {"requests_per_s": 1}))
    result.put_over(later)
    assert result.medians(SUBMIT.name, "ironforge", "64 connections") == {"requests_per_s": 1}
    assert result.competitors(SUBMIT.name) == ["ironforge"]


def test_the_page_is_made_of_a_run(tmp_path: Path) -> None:
    written = page.publish(_result(), tmp_path / "performance.md", tmp_path)
    told = (tmp_path / "performance.md").read_text()
    assert [path.name for path in written] == ["performance.md", "performance-submit.svg"]
    assert "| IronForge, everysec | 9 500 |" in told
    assert "Not measured: Express + BullMQ: node is not on PATH" in told


@pytest.mark.parametrize("words", [["--only", "nonsense"], ["--peers", "nobody"], ["--rounds", "0"]])
def test_a_wrong_option_is_refused_with_what_there_is(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options.parse(words)
    assert "error:" in capsys.readouterr().err


def test_the_published_page_is_made_of_the_published_run(tmp_path: Path) -> None:
    published = page.toolchain.HERE / "published.json"
    page.publish(load(published) if published.exists() else None, tmp_path / "performance.md", tmp_path)
    assert (tmp_path / "performance.md").read_text() == page.PAGE.read_text()
    drawn = {path.name: path.read_text() for path in tmp_path.glob("*.svg")}
    assert drawn == {path.name: path.read_text() for path in page.IMAGES.glob("performance-*.svg")}

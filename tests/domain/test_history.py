"""Moments: differences of readings, sums, and percentiles of histograms."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.history import (
    MAX_KINDS,
    MAX_QUEUES,
    OTHERS,
    KindMoment,
    Moment,
    QueueMoment,
    add_readings,
    bounded,
    merge,
    of_kind,
    of_queue,
    quantile,
)
from jobs.domain.history_range import Range, span_of
from jobs.telemetry.metrics import BUCKETS

EDGES = (*BUCKETS, "inf")
COUNTS = st.dictionaries(st.sampled_from(EDGES), st.integers(1, 1_000), max_size=len(EDGES))
NAMES = (
    "completed:a",
    "failed:a",
    "dead:b",
    "retried:a",
    "wait_le:0.5",
    "wait_le:inf",
    "dur_le:a:x:0.01",
    "dur_le:b:1",
    "kind_wait:a:0.25",
    "queue_wait:mail:0.25",
    "queue_run:mail:inf",
    "queue_failed:mail",
    "queue_retried:mail",
    "queue_snoozed:mail",
)
TOTALS = st.dictionaries(st.sampled_from((*NAMES, "submitted:high", "repaired")), st.integers(0, 10_000).map(float))


def test_a_percentile_lies_in_the_bucket_that_holds_it() -> None:
    assert quantile({}, 0.5) is None
    assert quantile({"0.01": 10}, 0.5) == pytest.approx(0.0075), "between 5 and 10 ms"
    assert quantile({"0.001": 90, "1": 10}, 0.5) == pytest.approx(0.001 * 50 / 90)
    assert quantile({"0.001": 90, "1": 10}, 0.95) == pytest.approx(0.75)
    assert quantile({"inf": 3}, 0.5) == 300.0, "beyond the last edge"


@given(counts=COUNTS, parts=st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_percentiles_rise_and_stay_within_what_was_seen(counts: dict[str, int], parts: list[float]) -> None:
    low, high = (quantile(counts, part) for part in sorted(parts))
    if low is None or high is None:
        assert not counts
        return
    assert 0 <= low <= high <= 300
    edges = [300.0 if edge == "inf" else float(edge) for edge in counts]
    assert high <= max(edges)


@given(readings=st.lists(TOTALS, min_size=2, max_size=5))
def test_differences_of_rising_readings_add_up_to_that_of_the_first_and_the_last(
    readings: list[dict[str, float]],
) -> None:
    # Of one version: what tells of details always does.
    rising = [{"kind_wait:a:0.25": 0.0, **readings[0]}]
    for more in readings[1:]:
        before = rising[-1]
        rising.append({name: before.get(name, 0.0) + more.get(name, 0.0) for name in {**before, **more}})
    summed, whole = Moment(), Moment()
    for before, after in pairwise(rising):
        moment = Moment()
        add_readings(moment, before, after)
        merge(summed, moment)
    add_readings(whole, rising[0], rising[-1])
    assert summed == whole


def test_a_store_that_began_anew_counts_from_nothing() -> None:
    moment = Moment()
    add_readings(moment, {"completed:a": 900.0}, {"completed:a": 5.0})
    assert moment.kinds["a"].completed == 5


def test_details_count_from_the_first_reading_that_has_them() -> None:
    now = {"wait_le:1": 90.0, "kind_wait:a:1": 90.0, "queue_wait:main:1": 90.0, "queue_run:main:1": 90.0}
    for before, is_known in (({}, True), ({**now, "queue_run:main:1": 80.0}, True), ({"wait_le:1": 80.0}, False)):
        moment = Moment()
        add_readings(moment, before, now)
        assert ("main" in moment.queues) is is_known, "an older version's reading, as beside it in an upgrade"


def test_beyond_the_bound_the_busiest_stay_and_nothing_is_lost() -> None:
    queues = {
        f"q{number}": QueueMoment(coming=number, oldest_s=number, failed=number, runs={"1": number})
        for number in range(MAX_QUEUES + 5)
    }
    kept = bounded(Moment(queues=queues)).queues
    assert len(kept) == MAX_QUEUES + 1
    assert kept[OTHERS] == QueueMoment(coming=0 + 1 + 2 + 3 + 4, oldest_s=4, failed=10, runs={"1": 10})
    assert sum(queue.coming for queue in kept.values()) == sum(range(MAX_QUEUES + 5))
    kinds = {f"k{number}": KindMoment(number, 0, 0, 0, 0.5, {"1": number}, {"5": 1}) for number in range(MAX_KINDS + 5)}
    few = bounded(Moment(kinds=kinds)).kinds
    assert len(few) == MAX_KINDS + 1
    assert few[OTHERS] == KindMoment(10, 0, 0, 0, 2.5, {"1": 10}, {"5": 5})
    assert f"k{MAX_KINDS + 4}" in few


def test_what_a_queue_completed_is_what_ran_and_neither_failed_nor_was_put_off() -> None:
    moment = Moment()
    told = {"queue_run:mail:0.1": 9.0, "queue_run:mail:1": 3.0, "queue_failed:mail": 4.0, "queue_retried:mail": 3.0}
    add_readings(moment, {"queue_failed:mail": 1.0}, {**told, "queue_snoozed:mail": 2.0, "queue_wait:mail:inf": 12.0})
    mail = moment.queues["mail"]
    assert (mail.completed, mail.failed, mail.retried) == (12 - 3 - 2, 3, 3)
    assert (mail.waits, mail.runs) == ({"inf": 12}, {"0.1": 9, "1": 3})


def test_of_a_queue_or_a_kind_alone_its_own_times_are_told() -> None:
    kinds = {"k": KindMoment(2, waits={"1": 2}, runs={"5": 2}), "other": KindMoment(1, runs={"60": 1})}
    whole = Moment(3, 3, waits={"1": 3}, kinds=kinds, queues={"q": QueueMoment(2, 2, waits={"10": 2}, runs={"0.5": 2})})
    assert (of_queue(whole, "q").waits, of_queue(whole, "q").runs()) == ({"10": 2}, {"0.5": 2})
    assert (of_kind(whole, "k").waits, of_kind(whole, "k").runs()) == ({"1": 2}, {"5": 2})
    assert of_queue(whole, "none").runs() == of_kind(whole, "none").runs() == {}


def test_rows_that_were_written_before_queues_had_times_are_read() -> None:
    text = b'{"kinds":{"k":[1,0,0,0,0.5,{"1":1}]},"queues":{"q":[2,1,7]}}'
    moment = msgspec.json.decode(text, type=Moment)
    assert moment == Moment(kinds={"k": KindMoment(1, run_s=0.5, runs={"1": 1})}, queues={"q": QueueMoment(2, 1, 7)})


@given(submitted=st.integers(0, 9), waits=COUNTS)
def test_a_moment_is_read_as_it_was_written(submitted: int, waits: dict[str, int]) -> None:
    moment = Moment(submitted, waits=waits, queues={"q": QueueMoment(1, 2, waits=waits)})
    assert msgspec.json.decode(msgspec.json.encode(moment), type=Moment) == moment


@given(wanted=st.sampled_from(Range), now_s=st.integers(10**9, 4 * 10**9))
def test_a_span_ends_with_the_point_that_runs(wanted: Range, now_s: int) -> None:
    span = span_of(wanted, now_s)
    assert span.place(now_s) == span.points - 1
    assert span.start % span.step_s == 0
    assert span.before().end == span.start
    assert span.points <= 360

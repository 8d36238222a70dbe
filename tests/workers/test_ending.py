"""How an ending becomes an outcome."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.backoff import Backoff
from jobs.domain.job import MAX_ERROR_MESSAGE, MAX_ERROR_TRACEBACK, Delivery
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.payload import MAX_RESULT_BYTES, decode_json
from tests.workers.leases import handler_of, lease
from workers import Context, Discard, Retry, Snooze
from workers.ending import Ending, Raised, Returned, StopReason, encode_result, settlement_of
from workers.error_report import report_of

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def nothing(context: Context, payload: object) -> None:
    """Do nothing."""


def ended(ending: Ending, stop: StopReason | None = None, **limits: object) -> Settlement:
    made = settlement_of(lease(), handler_of(nothing, **limits), ending, stop, 7)
    assert made is not None
    assert made.duration_ms in (0, 7)
    return made


def test_a_returned_value_completes_the_job() -> None:
    made = ended(Returned({"a": [1, None]}))
    assert (made.outcome, made.result, made.error) == (OutcomeKind.COMPLETED, b'{"a":[1,null]}', None)


@given(JSON)
def test_every_json_value_is_kept_as_it_is_or_dropped_with_a_reason(value: object) -> None:
    result = encode_result(value)
    if result.encoded is None:
        assert value is None or result.dropped
    else:
        assert decode_json(result.encoded) == value


@pytest.mark.parametrize("value", [object(), float("nan"), "x" * (MAX_RESULT_BYTES + 1), "\ud800", {1j: 1}])
def test_a_result_that_cannot_be_kept_is_dropped_and_the_job_still_completes(value: object) -> None:
    made = ended(Returned(value))
    assert (made.outcome, made.result) == (OutcomeKind.COMPLETED, None)
    assert encode_result(value).dropped


def test_an_endless_result_is_dropped() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert encode_result(endless).dropped


def test_verdicts_say_what_they_mean() -> None:
    retry = ended(Raised(Retry(1.5, "later")))
    assert (retry.outcome, retry.delay_ms) == (OutcomeKind.FAILED, 1500)
    assert retry.error is not None
    assert (retry.error.type, retry.error.message) == ("retry", "later")
    assert ended(Raised(Retry())).delay_ms is None
    snooze = ended(Raised(Snooze(2)))
    assert (snooze.outcome, snooze.delay_ms) == (OutcomeKind.SNOOZED, 2000)
    discard = ended(Raised(Discard("never")))
    assert discard.outcome is OutcomeKind.DISCARDED
    assert discard.error is not None
    assert discard.error.message == "never"


@pytest.mark.parametrize("delay", [-1, float("inf"), float("nan"), 1e12])
def test_a_delay_that_is_none_is_refused_where_it_is_written(delay: float) -> None:
    with pytest.raises(ValueError, match="delay"):
        Snooze(delay)


def test_a_lost_lease_is_never_settled() -> None:
    for ending in (Returned(1), Raised(ValueError())):
        assert settlement_of(lease(), handler_of(nothing), ending, StopReason.LEASE_LOST, 1) is None


def test_a_timeout_is_a_failure_whatever_the_handler_made_of_it() -> None:
    for ending in (Returned(1), Raised(asyncio.CancelledError())):
        made = ended(ending, StopReason.TIMEOUT)
        assert made.outcome is OutcomeKind.FAILED
        assert made.error is not None
        assert made.error.type == "timeout"


def test_a_cancelled_job_that_completes_all_the_same_is_completed() -> None:
    assert ended(Returned(1), StopReason.CANCELLED).outcome is OutcomeKind.COMPLETED
    stopped = ended(Raised(asyncio.CancelledError()), StopReason.CANCELLED)
    assert stopped.error is not None
    assert (stopped.outcome, stopped.error.type) == (OutcomeKind.FAILED, "cancelled")


def test_a_shutdown_gives_the_job_back_unless_it_completed() -> None:
    assert ended(Raised(asyncio.CancelledError()), StopReason.SHUTDOWN).outcome is OutcomeKind.RELEASED
    assert ended(Returned(1), StopReason.SHUTDOWN).outcome is OutcomeKind.COMPLETED


def test_a_stop_in_the_middle_of_a_job_that_may_run_once_is_its_end() -> None:
    once = lease(delivery=Delivery.AT_MOST_ONCE)
    made = settlement_of(once, handler_of(nothing), Raised(asyncio.CancelledError()), StopReason.SHUTDOWN, 7)
    assert made is not None
    assert made.error is not None
    assert (made.outcome, made.error.type) == (OutcomeKind.FAILED, "shutdown")


def test_a_handlers_max_retries_ends_the_job_earlier_than_the_jobs_own() -> None:
    failing = handler_of(nothing, max_retries=1)
    first = settlement_of(lease(retry_count=0), failing, Raised(ValueError()), None, 1)
    last = settlement_of(lease(retry_count=1), failing, Raised(ValueError()), None, 1)
    assert first is not None
    assert last is not None
    assert (first.outcome, last.outcome) == (OutcomeKind.FAILED, OutcomeKind.DISCARDED)


def test_a_handlers_backoff_counts_for_jobs_without_their_own() -> None:
    patient = handler_of(nothing, backoff=Backoff(base_ms=10_000))
    plain = settlement_of(lease(), patient, Raised(ValueError()), None, 1)
    own = settlement_of(lease(backoff=Backoff(base_ms=5)), patient, Raised(ValueError()), None, 1)
    assert plain is not None
    assert own is not None
    assert (plain.delay_ms, own.delay_ms) == (20_000, None)


def test_an_error_report_is_bounded_and_keeps_the_cause() -> None:
    def deep(level: int) -> None:
        if level:
            deep(level - 1)
        raise ValueError("é" * 100_000)

    with pytest.raises(ValueError, match="é") as caught:
        deep(200)
    report = report_of(caught.value)
    assert report.type == "ValueError"
    assert len(report.message) <= MAX_ERROR_MESSAGE
    assert len(report.traceback) <= MAX_ERROR_TRACEBACK


def test_an_error_that_cannot_be_shown_or_stored_is_reported_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert report_of(Mute()).type == "Mute"
    assert report_of(ValueError("half \ud800")).message == "half \\ud800"

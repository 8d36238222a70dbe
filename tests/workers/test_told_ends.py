"""What a worker's log says of attempts that did not complete: enough to know what comes next."""

from __future__ import annotations

import logging

import pytest

from jobs.domain.backoff import Backoff, Jitter
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settled, Settlement
from jobs.domain.status import Status
from jobs.telemetry.logs import entry_of
from tests.stores import Bench
from workers.ending import released
from workers.faults import Faults
from workers.lease_table import LeaseTable
from workers.outbox import Outbox, Outcome

LOGGER = logging.getLogger("ironforge.test")


def told(caplog: pytest.LogCaptureFixture, lease: Lease, settlement: Settlement, status: Status) -> dict[str, object]:
    """Return the line about an attempt that the store answered so."""
    caplog.set_level(logging.INFO)
    outbox = Outbox(LeaseTable(10_000), LOGGER, lambda: None, faults=Faults(LOGGER))
    outbox.accept([Outcome(lease, settlement)], [Settled(lease.job.id, status)])
    return entry_of(caplog.records[-1])


@pytest.fixture
def drawn(bench: Bench) -> Lease:
    """Return a lease of a job whose delays are drawn."""
    bench.submit("a", max_retries=3, backoff=Backoff(1_000, 60_000, Jitter.FULL))
    return bench.lease()


@pytest.fixture
def lease(bench: Bench) -> Lease:
    """Return a lease of a job with the usual backoff."""
    bench.submit("a", max_retries=3)
    return bench.lease()


def failed(lease: Lease, delay_ms: int | None = None) -> Settlement:
    return Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.FAILED, delay_ms=delay_ms)


@pytest.mark.parametrize(("delay_ms", "in_ms"), [(None, 2_000), (60_000, 60_000)])
def test_a_failure_says_when_the_next_attempt_comes_and_how_many_are_left(
    caplog: pytest.LogCaptureFixture, lease: Lease, delay_ms: int | None, in_ms: int
) -> None:
    line = told(caplog, lease, failed(lease, delay_ms), Status.FAILED)
    assert (line["event"], line["retries_left"], line["retry_in_ms"]) == ("job.failed", 2, in_ms)


def test_of_a_delay_that_is_drawn_the_most_is_told(caplog: pytest.LogCaptureFixture, drawn: Lease) -> None:
    line = told(caplog, drawn, failed(drawn), Status.FAILED)
    assert (line.get("retry_in_ms"), line["retry_within_ms"]) == (None, 2_000)


def test_a_crash_is_a_warning_and_not_a_release(caplog: pytest.LogCaptureFixture, lease: Lease) -> None:
    crashed = Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.CRASHED)
    line = told(caplog, lease, crashed, Status.QUEUED)
    assert (line["event"], line["level"], line["job_id"]) == ("job.crashed", "WARNING", lease.job.id)


def test_a_release_says_why_and_no_time(caplog: pytest.LogCaptureFixture, lease: Lease) -> None:
    line = told(caplog, lease, released(lease), Status.QUEUED)
    assert (line["event"], line["reason"]) == ("job.released", "worker_stops")
    assert "duration_ms" not in line

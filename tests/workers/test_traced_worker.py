"""A worker whose collector is not there; tests/journeys/test_tracing.py has one that is."""

from __future__ import annotations

import signal
from pathlib import Path

from jobs.domain.status import Status
from jobs.domain.trace import TraceContext
from tests.collector import traced
from tests.ports import closed_port
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_command import LEAVES_S, events, started, told
from tests.workers.test_worker import ended

TRACE = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


def test_a_dead_collector_holds_up_neither_a_job_nor_the_end(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        closed_port() as port,
        started(bench, log, **traced(tmp_path, port), OTEL_EXPORTER_OTLP_TIMEOUT="1") as process,
    ):
        for job_id in [bench.submit("traced", trace=TRACE) for _ in range(20)]:
            ended(bench, job_id, Status.COMPLETED)
        until(lambda: told(log, "tracing.not_exported") > 0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LEAVES_S) == 0
    assert "Traceback" not in log.read_text()
    assert not [entry for entry in events(log) if str(entry["target"]).startswith("opentelemetry")]

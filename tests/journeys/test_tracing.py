"""A trace of real processes: server, worker and a child of it send their spans to one collector."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collector import sent_to, traced
from tests.journeys.installation import entries_of, installation
from tests.receiver import receiver
from tests.waiting import until

pytestmark = pytest.mark.journey

TRACE_IDS = ("4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736")
WANTED = {"submit traced", "wait traced", "run traced", "inner"}


def test_a_trace_leads_through_all_processes(tmp_path: Path) -> None:
    with receiver() as collector, installation(tmp_path / "data", **traced(tmp_path, collector.port)) as running:
        api = running.api
        for trace_id in TRACE_IDS:
            asked = api.ask("POST", "/jobs", {"kind": "traced"}, traceparent=f"00-{trace_id}-00f067aa0ba902b7-01")
            job = api.completed(asked.body["id"])
        until(lambda: len(sent_to(collector)) == len(WANTED) * len(TRACE_IDS))
    # All has been said by now.
    told = {entry.get("trace_id"): entry.get("span_id") for entry in entries_of(running.log, "job.completed")}
    for trace_id in TRACE_IDS:
        found = {span.name: (by, span) for by, span in sent_to(collector) if span.trace_id.hex() == trace_id}
        assert found.keys() == WANTED
        services = {name: by for name, (by, _) in found.items()}
        assert services == dict.fromkeys(WANTED, "ironforge-worker") | {"submit traced": "ironforge-server"}
        submit, wait, run, inner = (found[name][1] for name in ("submit traced", "wait traced", "run traced", "inner"))
        assert (submit.parent_span_id.hex(), wait.parent_span_id) == ("00f067aa0ba902b7", submit.span_id)
        assert (run.parent_span_id, inner.parent_span_id) == (submit.span_id, run.span_id)
        assert told[trace_id] == run.span_id.hex()
    assert job["result"] == f"00-{TRACE_IDS[-1]}-{run.span_id.hex()}-01"
    assert job["trace"]["traceparent"] == f"00-{TRACE_IDS[-1]}-{submit.span_id.hex()}-01"

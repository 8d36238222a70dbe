"""The SDK's worker among handlers whose results and errors nobody expects."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ironforge_client import Client, Context, Worker
from tests.client.test_worker import LEASE_MS, at_work
from tests.waiting import WAIT_S

pytestmark = pytest.mark.journey


class Mute(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise SystemExit


def _raise(error: Exception) -> None:
    raise error


ODD: dict[str, Callable[[Context], Any]] = {
    "odd.raises": lambda context: _raise(FileNotFoundError("caf\udce9")),
    "odd.mute": lambda context: _raise(Mute()),
    "odd.logs": lambda context: [context.log("caf\udce9"), context.progress(0.5, "\ud800")],
    "odd.text": lambda context: "caf\udce9",
    "odd.twice": lambda context: {1: "a", "1": "b"},
    "odd.deep": lambda context: json.loads("[" * 150 + "]" * 150),
    "odd.large": lambda context: "x" * 17_000_000,
}


def test_an_odd_handler_ends_its_own_job_and_no_other(url: str, queue: str) -> None:
    worker, client = Worker(url, queues=[queue], concurrency=4, lease_ms=LEASE_MS, grace_s=0.5), Client(url)

    def add(kind: str, act: Callable[[Context], Any]) -> None:
        @worker.handler(kind)
        def odd(context: Context, payload: Any) -> Any:
            return act(context)

    for kind, act in ODD.items():
        add(kind, act)
    with client, at_work(worker):
        ids = {kind: client.submit(kind, queue=queue, max_retries=0).id for kind in ODD}
        jobs = {kind: client.wait(job_id, WAIT_S) for kind, job_id in ids.items()}
        logs = {kind: [line.text for line in client.log(job_id)] for kind, job_id in ids.items()}
    ended = {kind: job.status for kind, job in jobs.items()}
    assert ended == {kind: "dead_letter" if kind in ("odd.raises", "odd.mute") else "completed" for kind in ODD}
    errors = [jobs[kind].error for kind in ("odd.raises", "odd.mute")]
    assert [(error.type, error.message) for error in errors if error] == [
        ("FileNotFoundError", "caf\\udce9"),
        ("Mute", "(its message cannot be shown)"),
    ]
    assert logs["odd.logs"] == ["caf\\udce9"]
    assert jobs["odd.twice"].result == {"1": "b"}
    assert [jobs[kind].result for kind in ("odd.text", "odd.deep", "odd.large")] == [None] * 3
    assert "17000002 bytes" in logs["odd.large"][0]

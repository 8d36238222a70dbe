"""heartbeat.lua: a worker that was heard of lately is alive."""

from __future__ import annotations

from jobs.domain.queue import WorkerRecord
from tests.stores import Bench


def record(worker_id: str = "w1", **more: object) -> WorkerRecord:
    fields: dict[str, object] = {
        "id": worker_id, "host": "höst", "pid": 7, "version": "0.1.0", "queues": ("main",), "kinds": ("demo.echo",),
        "concurrency": 10, "busy": 2, "started_at": 1,
    }  # fmt: skip
    return WorkerRecord(**(fields | more))  # type: ignore[arg-type]


def beat(bench: Bench, worker: WorkerRecord) -> None:
    bench.run(bench.consumer.heartbeat(worker))


def seen(bench: Bench) -> list[WorkerRecord]:
    return bench.run(bench.inspector.workers())


def test_what_a_worker_says_of_itself_is_shown_with_when_it_was_seen(bench: Bench) -> None:
    said = record(memory_bytes=4096, status="stopping", jobs=("a", "b"))
    beat(bench, said)
    (shown,) = seen(bench)
    assert shown.seen_at > 1_600_000_000_000
    assert {name: getattr(shown, name) for name in said.__struct_fields__ if name != "seen_at"} == {
        name: getattr(said, name) for name in said.__struct_fields__ if name != "seen_at"
    }


def test_the_last_word_counts(bench: Bench) -> None:
    beat(bench, record(busy=1))
    first = seen(bench)[0].seen_at
    bench.advance(5_000)
    beat(bench, record(busy=3))
    (shown,) = seen(bench)
    assert shown.busy == 3
    assert shown.seen_at >= first + 5_000


def test_a_beat_forgets_workers_that_were_silent_for_a_minute(bench: Bench) -> None:
    beat(bench, record("silent"))
    bench.advance(60_001)
    beat(bench, record("w1"))
    assert bench.client.zrange(bench.keys.named("workers"), 0, -1) == [b"w1"]


def test_a_record_is_forgotten_by_itself(bench: Bench) -> None:
    beat(bench, record())
    left_ms = bench.client.pttl(f"{bench.keys.named('worker_prefix')}w1")
    assert 0 < left_ms <= 60_000


def test_a_heartbeat_is_no_event_and_touches_no_job(bench: Bench) -> None:
    bench.submit()
    beat(bench, record())
    assert bench.verbs() == ["submit"]

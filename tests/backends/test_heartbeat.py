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


def test_a_new_worker_beyond_the_bound_is_refused_and_those_that_live_go_on(bench: Bench) -> None:
    for worker_id in ("w1", "w2", "w1"):
        assert bench.run(bench.consumer.register(record(worker_id), 2)) is True
    before = bench.contents()
    assert bench.run(bench.consumer.register(record("w3"), 2)) is False
    assert bench.contents() == before
    beat(bench, record("w1", busy=5))
    beat(bench, record("of the store itself"))
    bench.run(bench.consumer.farewell("w2"))
    bench.run(bench.consumer.farewell("of the store itself"))
    assert bench.run(bench.consumer.register(record("w3"), 2)) is True
    bench.advance(60_001)
    assert bench.run(bench.consumer.register(record("w4"), 1)) is True, "who was silent for a minute does not count"
    assert [worker.id for worker in seen(bench)] == ["w4"]

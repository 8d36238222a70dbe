"""report.lua and log.lua: what a running attempt says of itself, noted for its holder alone and once."""

from __future__ import annotations

import msgspec
import pytest

from jobs.backends.base import MAX_BATCH
from jobs.backends.retention import Retention
from jobs.domain.job import NewPayload
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind
from jobs.domain.report import MAX_LINE, MAX_LINES, MAX_LOG_BYTES, LogLine, Report, ReportLine
from jobs.domain.status import Status
from tests.stores import BY, LEASE_MS, Bench


def report_of(lease: Lease, **said: object) -> Report:
    return Report(job_id=lease.job.id, token=lease.token, **said)  # type: ignore[arg-type]


def lines(*texts: str, age_ms: int = 0) -> tuple[ReportLine, ...]:
    return tuple(ReportLine(age_ms, "info", text) for text in texts)


def tell(bench: Bench, *reports: Report) -> list[bool]:
    return bench.run(bench.consumer.report(reports))


def log_of(bench: Bench, job_id: str, first: int = 0, limit: int = MAX_LINES) -> tuple[LogLine, ...]:
    found = bench.run(bench.inspector.log(job_id, first, limit))
    assert found is not None
    return found.lines


def texts_of(bench: Bench, job_id: str) -> list[str]:
    return [line.text for line in log_of(bench, job_id)]


def test_all_that_is_said_is_kept_with_the_store_s_time(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    before = bench.now()
    said = report_of(lease, number=1, fraction=0.4, text="half\nway", lines=lines("begun", "läuft", age_ms=500))
    assert bench.twice(bench.consumer.report([said])) == [True]
    job = bench.get(job_id)
    assert job.progress is not None
    assert (job.progress.fraction, job.progress.text) == (0.4, "half\\nway")
    assert before <= job.progress.at <= bench.now()
    first, second = log_of(bench, job_id)
    assert (first.text, first.level, first.attempt, second.text) == ("begun", "info", 1, "läuft")
    assert before - 500 <= first.at <= bench.now() - 500
    assert bench.verbs()[-1] == "report"
    assert [(change.job_id, change.status) for change in bench.last_event().changes] == [(job_id, Status.RUNNING)]


def test_a_report_without_a_number_counts_again(bench: Bench) -> None:
    job_id = bench.submit()
    said = report_of(bench.lease(), lines=lines("again"))
    assert tell(bench, said, said) == [True, True]
    assert texts_of(bench, job_id) == ["again", "again"]


def test_only_the_holder_is_heard(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    bench.advance(LEASE_MS + 1)
    bench.run(bench.maintainer.reap())
    before = bench.contents()
    assert tell(bench, report_of(lease, number=1, fraction=1.0, lines=lines("late"), checkpoint=b"1")) == [False]
    assert bench.contents() == before
    again = bench.lease(worker="w2")
    assert tell(bench, report_of(lease, fraction=1.0), report_of(again, fraction=0.5)) == [False, True]
    assert bench.settle(again) is Status.COMPLETED
    assert tell(bench, report_of(again, fraction=1.0)) == [False]
    progress = bench.get(job_id).progress
    assert progress is not None
    assert progress.fraction == 0.5


def test_the_next_attempt_gets_the_last_checkpoint_and_numbers_its_own_reports(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    assert lease.checkpoint is None
    tell(
        bench,
        report_of(lease, number=1, checkpoint=b'{"row": 1}'),
        report_of(lease, number=2, checkpoint=b'{"row": 2}'),
    )
    assert bench.settle(lease, OutcomeKind.RELEASED) is Status.QUEUED
    again = bench.lease()
    assert again.checkpoint == b'{"row": 2}'
    tell(bench, report_of(again, number=1, lines=lines("second attempt")))
    assert texts_of(bench, job_id) == ["second attempt"]
    assert bench.get(job_id).checkpoint == b'{"row": 2}'


def test_a_claim_that_is_repeated_brings_the_checkpoint_too(bench: Bench) -> None:
    bench.submit()
    lease = bench.lease()
    tell(bench, report_of(lease, checkpoint=b"[1]"))
    bench.settle(lease, OutcomeKind.RELEASED)
    call = bench.consumer.claim(["main"], "w9", seq=1, token="f" * 32, limit=1, lease_ms=LEASE_MS)
    first, second = bench.run(call), bench.run(call)
    assert [lease.checkpoint for lease in (*first.leases, *second.leases)] == [b"[1]", b"[1]"]
    assert first.leases == second.leases


@pytest.mark.parametrize("size", [1, 31, 32, 255, 256, 65_535, 65_536, 256 * 1024])
def test_a_checkpoint_of_any_size_comes_back_to_the_byte(bench: Bench, size: int) -> None:
    bench.submit()
    lease = bench.lease()
    data = msgspec.json.encode("x" * (size - 2)) if size > 1 else b"7"
    tell(bench, report_of(lease, checkpoint=data))
    bench.settle(lease, OutcomeKind.RELEASED)
    assert bench.lease().checkpoint == data


def test_a_checkpoint_ends_with_the_work_and_stays_with_a_dead_letter(bench: Bench) -> None:
    done, dead = bench.submit(), bench.submit(max_retries=0)
    leases = bench.claim(2).leases
    tell(bench, *(report_of(lease, checkpoint=b"1", fraction=0.5) for lease in leases))
    bench.settle(leases[0])
    bench.fail(leases[1])
    assert bench.get(done).checkpoint is None
    assert bench.get(dead).checkpoint == b"1"
    bench.run(bench.operator.retry([dead], "r1", by=BY))
    lease = bench.lease()
    assert lease.checkpoint == b"1"
    bench.fail(lease)
    bench.run(bench.operator.retry([dead], "r2", by=BY, payload=NewPayload(b"2")))
    assert bench.lease().checkpoint is None


def test_the_oldest_lines_make_room(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    for start in range(0, MAX_LINES + 100, 100):
        tell(bench, report_of(lease, lines=lines(*(f"line {number}" for number in range(start, start + 100)))))
    texts = texts_of(bench, job_id)
    assert (len(texts), texts[0], texts[-1]) == (MAX_LINES, "line 100", f"line {MAX_LINES + 99}")
    assert [line.text for line in log_of(bench, job_id, 998, 5)] == texts[998:]


def test_the_bytes_of_a_log_are_bounded_and_long_lines_cut_between_characters(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    for _ in range(10):
        tell(bench, report_of(lease, lines=lines(*(["ü" * 3_000] * 20))))
    found = log_of(bench, job_id)
    assert {line.text for line in found} == {"ü" * (MAX_LINE // 2)}
    assert sum(len(line.text.encode()) for line in found) + 30 * len(found) > MAX_LOG_BYTES - 2_100
    assert int(bench.raw(job_id)["log_bytes"]) <= MAX_LOG_BYTES


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31mred", "tab\tkept", "\ud800", "line\r\nbreak", ""])
def test_a_line_stays_one_line_of_plain_text(bench: Bench, text: str) -> None:
    job_id = bench.submit()
    tell(bench, report_of(bench.lease(), lines=lines(text)))
    (shown,) = texts_of(bench, job_id)
    assert shown.replace("\t", "").isprintable()


def test_a_log_goes_with_its_job(bench: Bench) -> None:
    pruned, purged = bench.submit(), bench.submit(queue="mail")
    for queue in ("main", "mail"):
        tell(bench, report_of(bench.lease(queues=(queue,)), lines=lines("x")))
    bench.advance(LEASE_MS + 1)
    bench.run(bench.maintainer.reap())
    bench.settle(bench.lease())
    bench.run(bench.operator.purge("mail", "r", bench.now() + 1, 0, by=BY))
    bench.advance(90_000_000)
    bench.run(bench.maintainer.prune(Retention()))
    assert bench.run(bench.inspector.log(pruned, 0, 1)) is None
    assert bench.run(bench.inspector.log(purged, 0, 1)) is None
    assert not bench.client.exists(f"{bench.keys.named('log_prefix')}{pruned}")


def test_lines_beyond_what_a_namespace_may_keep_are_dropped_and_counted(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    call = bench.consumer.report([report_of(lease, lines=lines("a", "b"))])
    bench.run(type(call)(call.script, call.keys, (*call.args[:2], 0, *call.args[3:]), call.decode, call.shard))
    assert texts_of(bench, job_id) == []
    assert bench.totals()["log_lines_dropped"] == 2


def test_a_batch_is_bounded_and_a_malformed_one_changes_nothing(bench: Bench) -> None:
    bench.submit()
    lease = bench.lease()
    with pytest.raises(ValueError, match="at most"):
        bench.consumer.report([report_of(lease)] * (MAX_BATCH + 1))
    call = bench.consumer.report([report_of(lease, fraction=0.1)])
    before = bench.contents()
    row = msgspec.msgpack.encode([lease.job.id, lease.token, 1, 0.5, "", [1, 2, 3], ""])
    bad = type(call)(call.script, call.keys, (*call.args[:-1], row), call.decode, call.shard)
    with pytest.raises(Exception, match="malformed"):
        bench.run(bad)
    assert bench.contents() == before

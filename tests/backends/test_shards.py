"""A namespace over several shards answers as one: in the order of the jobs, in sums, in pages, in one row of events."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.backends.base import MAX_BATCH, ActCode, Backend, Cursor, Listing, Submission, SubmitCode
from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.connection import connect
from jobs.backends.redis.runner import SyncRunner
from jobs.backends.redis.schema import SHARDS_KEY, mark_schema, shards_in
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import JobSpec
from jobs.domain.priority import Priority
from jobs.domain.shard import shard_of, shard_of_key
from jobs.domain.status import Status
from tests.backends.clusters import Cluster
from tests.backends.servers import Server
from tests.stores import BY, PATIENCE_S, Bench, random_namespace

SHARDS = 12


class Spread:
    """A namespace over twelve shards on three masters."""

    def __init__(self, url: str) -> None:
        self.namespace = random_namespace()
        self.backend: Backend = RedisBackend(shards=SHARDS)
        self.client = connect(url, "spread", PATIENCE_S)
        self.run = SyncRunner(self.client).run
        self.producer = self.backend.producer(self.namespace)
        self.inspector = self.backend.inspector(self.namespace)
        self.operator = self.backend.operator(self.namespace)
        self.feed = self.backend.feed(self.namespace)
        self.ids = IdentityMaker()

    def submit(self, number: int, **fields: object) -> list[str]:
        """Store jobs, one shard after the other, and return their ids."""
        spec = JobSpec(kind="demo.echo", **fields)  # type: ignore[arg-type]
        made = [Submission(self.ids.make(place % SHARDS), spec) for place in range(number)]
        return [answer.job_id for answer in self.run(self.producer.submit(made))]

    def pages(self, status: Status | None, limit: int, *, backwards: bool = False) -> Iterator[Listing]:
        after: Cursor | None = None
        while True:
            page = self.run(self.inspector.list_jobs(status, None, after, limit, backwards=backwards))
            yield page
            after = page.after
            if after is None:
                return

    def close(self) -> None:
        for key in self.client.scan_iter(f"ironforge:{{{self.namespace}/*"):
            self.client.unlink(key)
        self.client.close()


@pytest.fixture
def over(three_masters: Cluster) -> Iterator[Spread]:
    made = Spread(three_masters.url)
    yield made
    made.close()


def test_jobs_of_all_shards_are_stored_in_one_call_and_found_by_their_ids(over: Spread) -> None:
    ids = over.submit(60, payload=b"7")
    assert {shard_of(job_id, SHARDS) for job_id in ids} == set(range(SHARDS))
    assert [job.id for job in over.run(over.inspector.get_many(ids)) if job] == ids
    assert {job.payload for job_id in ids if (job := over.run(over.inspector.get(job_id)))} == {b"7"}


def test_each_shard_has_a_node_and_all_nodes_have_some(over: Spread, three_masters: Cluster) -> None:
    over.submit(SHARDS)
    held = [len(list(server.client().scan_iter(f"*{over.namespace}/*:job:*"))) for server in three_masters.masters]
    assert sum(held) == SHARDS
    assert min(held) > 0


def test_answers_come_in_the_order_of_the_jobs_whatever_shard_they_are_of(over: Spread) -> None:
    keys = [secrets.token_hex(4) for _ in range(40)]

    def submissions(fingerprint: str) -> list[Submission]:
        shards = [shard_of_key(key, SHARDS) for key in keys]
        spec = JobSpec(kind="demo.echo")
        return [
            Submission(over.ids.make(shard), spec, key, fingerprint) for key, shard in zip(keys, shards, strict=True)
        ]

    first = over.run(over.producer.submit(submissions("f")))
    again = over.run(over.producer.submit(submissions("f")))
    other = over.run(over.producer.submit(submissions("g")))
    assert [answer.job_id for answer in again] == [answer.job_id for answer in first]
    assert [{answer.code for answer in answers} for answers in (first, again, other)] == [
        {SubmitCode.ACCEPTED}, {SubmitCode.REPLAYED}, {SubmitCode.MISMATCH},
    ]  # fmt: skip


def test_jobs_of_several_shards_are_not_stored_as_a_whole(over: Spread) -> None:
    spec = JobSpec(kind="demo.echo")
    here = [Submission(over.ids.make(3), spec) for _ in range(3)]
    assert {each.code for each in over.run(over.producer.submit(here, is_atomic=True))} == {SubmitCode.ACCEPTED}
    with pytest.raises(ValueError, match="several shards"):
        over.producer.submit([*here, Submission(over.ids.make(4), spec)], is_atomic=True)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("status", [None, Status.QUEUED, Status.SCHEDULED, Status.CANCELLED])
def test_pages_of_any_size_show_every_job_once_and_in_order(
    over: Spread, status: Status | None, backwards: bool
) -> None:
    later = over.run(over.inspector.overview(0)).server_time + 3_600_000
    for queue, priority in (("a", Priority.LOW), ("b", Priority.CRITICAL), ("a", Priority.MEDIUM)):
        over.submit(17, queue=queue, priority=priority)
    over.submit(29, scheduled_for=later)
    cancelled = over.submit(23)
    over.run(over.operator.cancel(cancelled, "r1", running=False, by=BY))
    wanted = [place for page in over.pages(status, MAX_BATCH, backwards=backwards) for place in page.places]
    assert len(wanted) == {None: 103, Status.QUEUED: 51, Status.SCHEDULED: 29, Status.CANCELLED: 23}[status]
    for limit in (1, 2, 7, 50):
        seen = [place for page in over.pages(status, limit, backwards=backwards) for place in page.places]
        assert seen == wanted
    is_rising = (status in (Status.QUEUED, Status.SCHEDULED)) != backwards
    assert wanted == sorted(wanted, key=lambda place: (place.score, place.job_id), reverse=not is_rising)


def test_numbers_are_the_sums_of_all_shards(over: Spread) -> None:
    over.submit(30, queue="mail", priority=Priority.HIGH)
    over.run(over.operator.cancel(over.submit(5, queue="mail"), "r1", running=False, by=BY))
    overview = over.run(over.inspector.overview(2))
    (mail,) = overview.queues
    assert mail.counts[Status.QUEUED] == {Priority.HIGH: 30}
    assert mail.total(Status.CANCELLED) == 5
    assert sum(minute.submitted for minute in overview.minutes) == 35
    assert overview.totals["submitted:high"] == 30
    _, queue = over.run(over.inspector.queue("mail"))
    assert queue is not None
    assert (queue.counts, queue.oldest_ready_at) == (mail.counts, mail.oldest_ready_at)
    assert over.run(over.inspector.queue("none"))[1] is None


def test_a_pause_holds_in_every_shard_and_ends_in_every_shard(over: Spread) -> None:
    over.submit(SHARDS)
    assert over.run(over.operator.pause("main", by=BY, reason="why"))
    assert claimed(over) == 0
    (queue,) = over.run(over.inspector.overview(0)).queues
    assert queue.pause is not None
    assert queue.pause.reason == "why"
    over.run(over.operator.resume("main", by=BY))
    assert claimed(over) == SHARDS
    assert over.run(over.inspector.overview(0)).queues[0].pause is None


def claimed(over: Spread) -> int:
    """Return how many jobs one claim of each shard brings."""
    number = 0
    for shard in range(SHARDS):
        consumer, token = over.backend.consumer(over.namespace, shard), secrets.token_hex(16)
        call = consumer.claim(["main"], secrets.token_hex(4), seq=1, token=token, limit=200, lease_ms=10_000)
        number += len(over.run(call).leases)
    return number


def test_a_purge_goes_through_all_shards_and_says_when_it_is_over(over: Spread) -> None:
    over.submit(100)
    until_ms = over.run(over.inspector.overview(0)).server_time
    purged, after, steps = 0, 0, 0
    while True:
        progress = over.run(over.operator.purge("main", f"r{steps}", until_ms, after, by=BY))
        again = over.run(over.operator.purge("main", f"r{steps}", until_ms, after, by=BY))
        assert again == progress
        purged, steps = purged + progress.purged, steps + 1
        if progress.after is None:
            break
        after = progress.after
    assert (purged, steps) == (100, SHARDS)
    assert over.run(over.inspector.list_jobs(None, None, None, 10)).jobs == ()


def test_acts_on_jobs_of_all_shards_answer_in_order_and_alike_when_repeated(over: Spread) -> None:
    ids = over.submit(30)
    nobody = over.ids.make(5)
    call = over.operator.cancel([*ids, nobody], "r1", running=False, by=BY)
    acted = over.run(call)
    assert [each.job_id for each in acted] == [*ids, nobody]
    assert [each.code for each in acted] == [ActCode.DONE] * 30 + [ActCode.NOT_FOUND]
    assert over.run(call) == acted


def test_events_of_all_shards_are_read_in_one_row_and_a_reader_goes_on_where_it_was(over: Spread) -> None:
    assert over.run(over.feed.events_since("$", 1)) == ([], False)
    first = set(over.submit(SHARDS))
    (newest,), _ = over.run(over.feed.events_since("$", 1))
    assert over.run(over.feed.events_since(newest.id, 100)) == ([], False)
    second = set(over.submit(2 * SHARDS))
    seen: set[str] = set()
    place = newest.id
    while events := over.run(over.feed.events_since(place, SHARDS))[0]:
        seen |= {change.job_id for event in events for change in event.changes}
        place = events[-1].id
    assert seen == second
    everything, is_missed = over.run(over.feed.events_since("0-0", 500))
    assert {change.job_id for event in everything for change in event.changes} == first | second
    assert not is_missed
    assert [event.at for event in everything] == sorted(event.at for event in everything)


def test_events_that_one_shard_has_dropped_are_missed(over: Spread) -> None:
    over.submit(SHARDS)
    (newest,), _ = over.run(over.feed.events_since("$", 1))
    over.client.delete(f"ironforge:{{{over.namespace}/7}}:events")
    assert over.run(over.feed.events_since(newest.id, 100))[1]


@given(key=st.text(max_size=40), number=st.integers(0, 10**9), shards=st.integers(1, 256))
def test_a_key_decides_its_shard_and_a_thousand_numbered_ones_stay_together(key: str, number: int, shards: int) -> None:
    assert 0 <= shard_of_key(key, shards) < shards
    first = number - number % 1_000
    together = {shard_of_key(f"{key}:{each}", shards) for each in (first, number, first + 999)}
    assert len(together) == 1


@settings(max_examples=20)
@given(prefix=st.text(max_size=5).filter(lambda prefix: not prefix.endswith(":")), shards=st.integers(2, 64))
def test_keys_are_spread_evenly(prefix: str, shards: int) -> None:
    found = [0] * shards
    for number in range(100 * shards):
        found[shard_of_key(f"{prefix}{number}", shards)] += 1
    assert min(found) > 40
    assert max(found) < 200


def test_the_number_of_shards_is_kept_with_the_jobs(spare: Server) -> None:
    with spare.client() as client:
        client.flushall()
        assert shards_in(client) == 0
        assert mark_schema(client, 12) == 12
        # Another that comes to a new store at the same time learns that it was not the first.
        assert mark_schema(client, 3) == 12
        assert shards_in(client) == 12
        client.delete(SHARDS_KEY)
        # A store from before the number was kept.
        assert shards_in(client) == 1
        mark_schema(client, 5)
        assert shards_in(client) == 1
        client.flushall()


def test_one_shard_needs_no_spreading(bench: Bench) -> None:
    made = RedisBackend()
    assert {type(made.producer("n1")).__name__, type(made.inspector("n1")).__name__} == {
        "RedisProducer", "RedisInspector",
    }  # fmt: skip
    assert bench.run(made.inspector(bench.namespace).list_jobs(None, None, None, 10)).jobs == ()

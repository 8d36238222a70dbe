"""Layout 3 to layout 4: the list of all jobs comes onto pages, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.backends.redis.checks import SCHEMA_KEY
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.repaging import onto_pages, repage
from jobs.backends.redis.schema import SCHEMA, layout_of, migrate
from jobs.domain.status import Status
from tests.backends.servers import Server
from tests.backends.test_pages import fill
from tests.backends.test_reconcile import reconcile
from tests.backends.walking import walk
from tests.consistency import faults_of
from tests.pages import listed_ids
from tests.stores import Bench


def to_layout_3(bench: Bench) -> None:
    """Make of the list of all jobs what it was in layout 3."""
    ids = listed_ids(bench.client, bench.keys)
    pages, page = bench.keys.named("pages"), bench.keys.named("page_prefix")
    bench.client.delete(*(page + name.decode() for name in bench.client.zrange(pages, 0, -1)), pages)
    bench.client.zadd(bench.keys.named("ids"), dict.fromkeys(ids, 0.0))
    bench.client.hdel(bench.keys.named("counts"), "jobs")


@pytest.fixture
def bench(spare: Server) -> Iterator[Bench]:
    """Return a namespace on a server whose other contents the test may touch."""
    with Bench(url=spare.url) as made:
        yield made


def test_an_older_store_is_brought_up_with_all_that_is_in_it(bench: Bench) -> None:
    ids = fill(bench, 3, 150)
    ended = [bench.settle(lease) for lease in bench.claim(3).leases]
    to_layout_3(bench)
    bench.client.set(SCHEMA_KEY, 3)
    told: list[tuple[int, float]] = []
    migrate(bench.client, lambda layout, share: told.append((layout, share)))
    assert (layout_of(bench.client), told[0][0], told[-1]) == (SCHEMA, 4, (4, 1.0))
    assert 0 < told[0][1] < 1
    assert faults_of(bench.client, bench.keys) == []
    assert walk(bench, None) == ids[::-1]
    assert ended == [Status.COMPLETED] * 3
    assert not bench.client.exists(bench.keys.named("ids"))


def test_one_that_was_ended_in_its_middle_goes_on(bench: Bench) -> None:
    ids = fill(bench, 3, 150)
    to_layout_3(bench)
    old = bench.keys.named("ids")

    class EndedError(Exception):
        pass

    def end_at_once(share: float) -> None:
        if bench.client.zcard(old) < 450:
            raise EndedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobs.backends.redis.repaging._TELL_EVERY_S", 0.0)
        with pytest.raises(EndedError):
            onto_pages(bench.client, end_at_once)
    assert bench.client.zcard(old) == 250
    onto_pages(bench.client, lambda _: None)
    assert walk(bench, None) == ids[::-1]
    assert faults_of(bench.client, bench.keys) == []


def test_each_namespace_and_shard_is_brought_up_and_a_queue_of_the_name_left_alone(bench: Bench) -> None:
    bench.submit(queue="ids")
    to_layout_3(bench)
    other = Keys(f"{bench.namespace}-b", 7)
    bench.client.zadd(other.named("ids"), {"b": 0, "a": 0})
    try:
        onto_pages(bench.client, lambda _: None)
        assert listed_ids(bench.client, other) == ["a", "b"]
        assert faults_of(bench.client, bench.keys) == []
    finally:
        bench.client.delete(*bench.client.scan_iter(f"{other.named('ids').removesuffix('ids')}*"))


def test_what_an_older_version_put_back_meanwhile_is_not_counted_twice(bench: Bench) -> None:
    """It was started again when the move had begun, and its own walk put into its list what it missed there."""
    ids = fill(bench, 2, 150)
    to_layout_3(bench)
    assert bench.run(repage(bench.keys)) == 100
    bench.client.zadd(bench.keys.named("ids"), dict.fromkeys(ids, 0.0))
    onto_pages(bench.client, lambda _: None)
    assert walk(bench, None) == ids[::-1]
    assert faults_of(bench.client, bench.keys) == []


def test_what_an_older_version_lists_afterwards_is_listed_by_the_next_walk(bench: Bench) -> None:
    job_id = bench.submit()
    to_layout_3(bench)
    bench.client.hincrby(bench.keys.named("counts"), "jobs", 1)
    assert reconcile(bench).jobs_put_back == 1
    assert walk(bench, None) == [job_id]
    assert not bench.client.exists(bench.keys.named("ids"))
    assert faults_of(bench.client, bench.keys) == []

"""include/pages.lua: the list of all jobs, however ids come and go, and what puts it right."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.backends.redis.tenants import RedisTenants
from jobs.backends.retention import Retention
from jobs.backends.tenants import Drained
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import JobSpec
from tests.backends.test_reconcile import reconcile
from tests.backends.walking import walk
from tests.consistency import faults_of
from tests.pages import listed_ids, pages_of, wrong_pages
from tests.stores import Bench

# Beyond it a page is divided: see MOST in include/pages.lua.
MOST = 512


START_NS, DAY_NS = 1_700_000_000 * 10**9, 86_400 * 10**9


def fill(bench: Bench, batches: int, size: int = 200) -> list[str]:
    """Submit jobs in batches and return their ids, oldest first."""
    spec = JobSpec(kind="demo.echo")
    return [answer.job_id for _ in range(batches) for answer in bench.submit_all([spec] * size)]


def test_many_jobs_stand_on_many_pages_and_are_listed_in_order(bench: Bench) -> None:
    ids = fill(bench, 10)
    assert len(pages_of(bench.client, bench.keys)) > 3
    assert walk(bench, None) == ids[::-1]
    assert walk(bench, None, limit=7, backwards=True) == ids
    assert faults_of(bench.client, bench.keys) == []


def test_jobs_that_come_one_by_one_fill_pages_as_well(bench: Bench) -> None:
    ids = [bench.submit() for _ in range(MOST + 2)]
    assert [len(page) for page in pages_of(bench.client, bench.keys).values()] == [MOST - 127, 129]
    assert walk(bench, None) == ids[::-1]
    assert faults_of(bench.client, bench.keys) == []


@given(
    days=st.lists(st.integers(0, 40), min_size=1, max_size=8),
    sizes=st.lists(st.sampled_from([1, 3, 90, 200]), min_size=8, max_size=8),
    kept=st.integers(0, 5),
    limit=st.sampled_from([1, 50, 200]),
    backwards=st.booleans(),
)
@settings(max_examples=25, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_ids_may_come_in_any_order_and_go_again(
    days: list[int], sizes: list[int], kept: int, limit: int, backwards: bool
) -> None:
    """Clients make the ids, and their clocks differ; retention takes the oldest ends away."""
    with Bench() as bench:
        there: list[str] = []
        for day, size in zip(days, sizes, strict=False):
            now_ns = START_NS + day * DAY_NS + len(there) * 10**6
            bench.ids = IdentityMaker(partial(int, now_ns))
            there += fill(bench, 1, size)
            assert wrong_pages(bench.client, bench.keys) == []
        while leases := bench.claim(200).leases:
            for lease in leases:
                bench.settle(lease)
        while bench.run(bench.maintainer.prune(Retention(max_jobs=kept))).more:
            assert wrong_pages(bench.client, bench.keys) == []
        left = [job_id for job_id in sorted(there) if bench.raw(job_id)]
        assert len(left) == min(kept, len(there))
        assert walk(bench, None, limit=min(limit, max(1, kept)), backwards=backwards) == (
            left if backwards else left[::-1]
        )
        assert faults_of(bench.client, bench.keys) == []


def test_a_page_that_is_gone_is_made_anew_of_the_jobs(bench: Bench) -> None:
    ids = fill(bench, 4)
    for name in list(pages_of(bench.client, bench.keys))[1:]:
        bench.client.delete(bench.keys.named("page_prefix") + name)
    assert reconcile(bench).jobs_put_back > 300
    assert walk(bench, None) == ids[::-1]
    assert faults_of(bench.client, bench.keys) == []


def test_names_that_are_gone_leave_no_page_that_comes_back(bench: Bench) -> None:
    """A page without its name in the order is not read, and does not mix with one of the same name."""
    ids = fill(bench, 4)
    bench.client.delete(bench.keys.named("pages"))
    assert walk(bench, None) == []
    reconcile(bench)
    assert walk(bench, None) == ids[::-1]
    assert faults_of(bench.client, bench.keys) == []


def test_what_stands_twice_or_on_a_wrong_page_is_put_where_it_belongs(bench: Bench) -> None:
    ids = fill(bench, 4)
    first, *_, last = (bench.keys.named("page_prefix") + name for name in pages_of(bench.client, bench.keys))
    bench.client.rpush(first, ids[0], ids[-1])
    bench.client.rpush(last, ids[1])
    bench.client.lrem(first, 1, ids[1])
    # It stands on the last page alone, so a look at the jobs finds that it is missing on the first.
    done = reconcile(bench)
    assert (done.jobs_put_back, done.entries_taken_out) == (1, 3)
    assert set(done.examples) == {ids[0], ids[1], ids[-1]}
    assert walk(bench, None) == ids[::-1]
    assert faults_of(bench.client, bench.keys) == []


def test_the_number_of_jobs_is_mended_with_the_other_counts(bench: Bench) -> None:
    fill(bench, 2)
    bench.client.hset(bench.keys.named("counts"), "jobs", 7)
    assert not reconcile(bench).is_clean
    assert faults_of(bench.client, bench.keys) == []
    assert bench.run(bench.inspector.overview(0)).queues
    assert len(listed_ids(bench.client, bench.keys)) == 400


def test_a_namespace_whose_pages_have_few_jobs_each_is_deleted_as_quickly(bench: Bench) -> None:
    fill(bench, 10)
    for name, ids in pages_of(bench.client, bench.keys).items():
        bench.client.ltrim(bench.keys.named("page_prefix") + name, 0, 1)
        bench.client.delete(*(bench.keys.named("job_prefix") + job_id for job_id in ids[2:]))
    left = len(listed_ids(bench.client, bench.keys))
    tenants = RedisTenants([bench.keys])
    assert bench.run(tenants.drain(left - 1)) == Drained(left - 1, more=True)
    assert bench.run(tenants.use()).jobs == 2_000 - left + 1
    assert bench.run(tenants.drain(left - 1)) == Drained(1, more=False)
    assert pages_of(bench.client, bench.keys) == {}


def test_a_page_on_which_many_come_late_never_grows_beyond_its_bound(bench: Bench) -> None:
    """Each batch is older than all before it, so that all of them come to the first page."""
    batches = 60
    for number in range(batches):
        bench.ids = IdentityMaker(partial(int, START_NS + (batches - number) * DAY_NS))
        fill(bench, 1)
    pages = pages_of(bench.client, bench.keys)
    assert max(map(len, pages.values())) <= 640
    assert wrong_pages(bench.client, bench.keys) == []
    assert len(listed_ids(bench.client, bench.keys)) == batches * 200

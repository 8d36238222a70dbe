"""blame.lua and errors.lua: what failed alike is one group, and there are never too many."""

from __future__ import annotations

from jobs.backends.error_groups import ErrorGroups
from jobs.domain.bulk_operation import error_group_of
from jobs.domain.error_group import KEPT_MS, MAX_GROUPS, MAX_JOBS_NAMED, MAX_VERSIONS, Blame
from jobs.domain.fingerprint import group_id, site_of
from jobs.domain.job import JobError
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from tests.stores import Bench


def blame(
    number: int = 1, versions: dict[str, int] | None = None, jobs: tuple[str, ...] = ("j1",), **more: object
) -> Blame:
    fields: dict[str, object] = {
        "id": f"{number:016x}", "kind": "k", "error_type": "E", "message": "m\N{SNOWMAN}", "where": "a.py in f",
        "status": Status.FAILED, "versions": versions or {"1.0": 1}, "job_ids": list(jobs),
    }  # fmt: skip
    return Blame(**(fields | more))  # type: ignore[arg-type]


def groups_of(bench: Bench) -> ErrorGroups:
    return bench.backend.error_groups(bench.namespace)


def test_a_group_knows_when_how_often_and_in_which_versions(bench: Bench) -> None:
    groups, began = groups_of(bench), bench.now()
    bench.run(groups.blame([blame(versions={"1.0": 2}, jobs=("j1", "j2"))]))
    bench.advance(5_000)
    bench.run(
        groups.blame([blame(versions={"1.1": 3, "1.0": 1}, jobs=("j3", "j1"), message="n", status=Status.DEAD_LETTER)])
    )
    (group,) = bench.run(groups.newest(10))
    assert (group.kind, group.error_type, group.message, group.where) == ("k", "E", "n", "a.py in f")
    assert (group.count, group.status, group.job_ids) == (6, Status.DEAD_LETTER, ("j2", "j3", "j1"))
    assert group.last_at - group.first_at >= 5_000 > group.first_at - began
    assert {each.version: each.count for each in group.versions} == {"1.0": 3, "1.1": 3}
    old = next(each for each in group.versions if each.version == "1.0")
    assert (old.first_at, old.last_at) == (group.first_at, group.last_at)
    assert bench.run(groups.named([group.id, "0" * 16])) == [group]


def test_the_newest_groups_come_first_a_page_at_a_time_and_the_oldest_make_room(bench: Bench) -> None:
    groups = groups_of(bench)
    bench.run(groups.blame([blame(number) for number in range(150)]))
    bench.advance(1)
    for start in range(150, MAX_GROUPS + 50, 150):
        bench.run(groups.blame([blame(number) for number in range(start, min(start + 150, MAX_GROUPS + 50))]))
    found: list[str] = []
    after = None
    while page := bench.run(groups.newest(99, after)):
        found += [group.id for group in page]
        after = (page[-1].last_at, page[-1].id)
    assert len(found) == len(set(found)) == MAX_GROUPS
    assert {int(name, 16) for name in found} == set(range(50, MAX_GROUPS + 50))
    bench.advance(KEPT_MS + 60_000)
    bench.run(groups.blame([blame(7)]))
    bench.run(groups.blame([blame(7)]))
    bench.run(groups.blame([blame(7)]))
    (left,) = bench.run(groups.newest(99))
    assert left.count == 3


def test_versions_and_jobs_of_a_group_are_the_newest(bench: Bench) -> None:
    groups = groups_of(bench)
    for number in range(MAX_VERSIONS + 3):
        bench.run(
            groups.blame([blame(versions={f"v{number}": 2}, jobs=tuple(f"j{number}-{each}" for each in range(9)))])
        )
    (group,) = bench.run(groups.newest(1))
    assert [each.version for each in group.versions] == [f"v{number}" for number in range(3, MAX_VERSIONS + 3)]
    assert len(group.job_ids) == MAX_JOBS_NAMED
    assert group.count == 2 * (MAX_VERSIONS + 3)


def test_a_damaged_group_is_begun_anew_and_hides_no_other(bench: Bench) -> None:
    groups = groups_of(bench)
    bench.run(groups.blame([blame(1), blame(2)]))
    bench.client.hset(bench.keys.named("error_groups"), blame(1).id, b"\xc1")
    assert [group.id for group in bench.run(groups.newest(9))] == [blame(2).id]
    bench.run(groups.blame([blame(1)]))
    assert {group.count for group in bench.run(groups.newest(9))} == {1}


def test_a_failed_job_is_of_the_same_group_in_a_list_without_its_traceback(bench: Bench) -> None:
    error = JobError("ValueError", "order 7", 'Traceback (most recent call last):\n  File "/a/b.py", line 1, in f\n')
    job_id = bench.submit(kind="k", max_retries=0)
    bench.settle(bench.lease(), OutcomeKind.FAILED, error=error)
    (listed,) = bench.run(bench.inspector.get_many([job_id]))
    assert listed is not None
    assert listed.error is not None
    assert (listed.error.type, listed.error.traceback) == ("ValueError", "")
    assert error_group_of(listed) == error_group_of(bench.get(job_id)) == group_id("k", "ValueError", site_of(error))
    (attempt,) = bench.get(job_id).attempts
    assert attempt.error == error
    assert error_group_of(bench.get(bench.submit(kind="k"))) is None

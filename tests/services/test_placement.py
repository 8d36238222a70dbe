"""Where what is stored together goes, and keys that would have it in two places."""

from __future__ import annotations

import pytest

from jobs.domain.errors import InvalidInput
from jobs.domain.job import JobSpec
from jobs.domain.shard import shard_of_key
from jobs.domain.workflow import Step, WorkflowSpec
from jobs.services.placement import shard_of_all
from jobs.services.workflow_keys import keys_of_steps, keys_of_workflow

SHARDS = 12
HERE = "a"
ALSO_HERE = next(key for key in "bcdefghijklmnopqrstuvwxyz" if shard_of_key(key, SHARDS) == shard_of_key(HERE, SHARDS))
ELSEWHERE = next(key for key in "bcdef" if shard_of_key(key, SHARDS) != shard_of_key(HERE, SHARDS))


def steps(*keys: str | None) -> tuple[Step, ...]:
    return tuple(Step(name=f"s{n}", spec=JobSpec(kind="k", limit_key=key)) for n, key in enumerate(keys))


def test_a_workflow_goes_where_its_keys_are() -> None:
    assert shard_of_key(HERE, SHARDS) != shard_of_key(ELSEWHERE, SHARDS)
    spec = WorkflowSpec(name="w", steps=steps(None, HERE, ALSO_HERE), callback=JobSpec(kind="k", limit_key=HERE))
    assert shard_of_all(keys_of_workflow(ALSO_HERE, spec), SHARDS) == shard_of_key(HERE, SHARDS)
    assert 0 <= shard_of_all(keys_of_steps(steps(None)), SHARDS) < SHARDS
    assert shard_of_all(keys_of_steps(steps(HERE, ELSEWHERE)), 1) == 0


@pytest.mark.parametrize(
    ("key", "names", "there", "pointer"),
    [
        (None, (HERE, None, ELSEWHERE), None, "/steps/2/limit_key"),
        (ELSEWHERE, (None, HERE), None, "/steps/1/limit_key"),
        (None, (HERE,), shard_of_key(ELSEWHERE, SHARDS), "/steps/0/limit_key"),
    ],
)
def test_keys_of_two_shards_are_refused(
    key: str | None, names: tuple[str | None, ...], there: int | None, pointer: str
) -> None:
    keys = keys_of_workflow(key, WorkflowSpec(name="w", steps=steps(*names)))
    with pytest.raises(InvalidInput) as refusal:
        shard_of_all(keys, SHARDS, there)
    assert refusal.value.code == "shard_conflict"
    assert [problem.pointer for problem in refusal.value.problems] == [pointer]

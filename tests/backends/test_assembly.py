"""How scripts are put together: parts in their places, late ones once they are called, constants in place of names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.backends.redis import assembly
from jobs.backends.redis.assembly import AssemblyError, assemble
from jobs.backends.redis.scripts import load_script
from jobs.domain.status import Status
from tests.stores import Bench

COUNTER = """-- Counts, and says when it is made.
-- Needs: log
local count
local STEP, tally = 2, {}
log[#log + 1] = 'made'
do
  function count(name)
    tally[name] = (tally[name] or 0) + STEP
    return tally[name]
  end
end
"""


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    (tmp_path / "counter.lua").write_text(COUNTER)
    return tmp_path


def run(bench: Bench, parts: Path, source: str) -> object:
    """Run a script on the store and return its answer."""
    return bench.client.eval(assemble(source, parts), 0)


@pytest.fixture
def bench(_store_server: None) -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_a_part_stands_in_its_place(bench: Bench, parts: Path) -> None:
    source = "local log = {}\n-- @include counter\nreturn {#log, count('a'), count('a')}\n"
    assert run(bench, parts, source) == [1, 2, 4]


def test_a_late_part_is_made_once_when_it_is_first_called_and_keeps_what_it_knows(bench: Bench, parts: Path) -> None:
    source = """local log = {}
-- @include counter late
local before = #log
local function later()
  return count('b')
end
return {before, count('a'), #log, count('a'), later(), #log}
"""
    assert run(bench, parts, source) == [0, 2, 1, 4, 2, 1]


def test_a_late_part_defines_what_another_declared_and_left_to_it(bench: Bench, parts: Path) -> None:
    (parts / "first.lua").write_text("local greet\n")
    (parts / "second.lua").write_text("do\n  function greet(name)\n    return 'hello ' .. name\n  end\nend\n")
    source = "-- @include first\n-- @include second late\nreturn greet('you')\n"
    assert run(bench, parts, source) == b"hello you"


def test_late_parts_in_a_row_share_a_table_and_others_find_its_functions(bench: Bench, parts: Path) -> None:
    (parts / "shapes.lua").write_text("local Shapes = {}\nfunction Shapes.square(side) return side * side end\n")
    (parts / "more.lua").write_text("function Shapes.double(side) return Shapes.square(side) * 2 end\n")
    source = "-- @include shapes late\n-- @include more late\nreturn {Shapes.double(3), Shapes.square(2)}\n"
    assert run(bench, parts, source) == [18, 4]


@pytest.mark.parametrize(
    ("part", "source", "why"),
    [
        ("local limit = 3\n", "return limit\n", "neither a function nor a table"),
        ("local limit, other = {}, 3\n", "return limit\n", "neither a function nor a table"),
        ("local limit\n", "return limit\n", "nothing here defines it"),
        ("local Limit = {}\n", "function Limit.more() end\nreturn 1\n", "must stand in the same row"),
        ("local Limit = {1, 2}\n", "return #Limit\n", "must stand in the same row"),
        ("local Limit = {}\n", "Limit['a'] = 1\nreturn 1\n", "must stand in the same row"),
    ],
)
def test_what_cannot_be_made_late_is_refused(tmp_path: Path, part: str, source: str, why: str) -> None:
    (tmp_path / "part.lua").write_text(part)
    with pytest.raises(AssemblyError, match=why):
        assemble(f"-- @include part late\n{source}", tmp_path)


def test_a_late_part_that_is_called_before_it_is_whole_is_an_error_and_no_endless_loop(
    bench: Bench, parts: Path
) -> None:
    (parts / "hasty.lua").write_text("local early\nearly()\ndo\n  function early() end\nend\n")
    with pytest.raises(Exception, match="called before it was made"):
        run(bench, parts, "-- @include hasty late\nreturn early()\n")


def test_numbers_stand_in_place_of_constants_and_of_nothing_else(bench: Bench, parts: Path) -> None:
    (parts / "kept.lua").write_text("local kept\ndo\n  local LIMIT = 7\n  function kept() return LIMIT end\nend\n")
    source = """-- @include kept
local LIMIT, RATE = 3, 0.5
local named = {LIMIT = 9, RATE = 'LIMIT'} -- LIMIT
local is_less = RATE < LIMIT and LIMIT ~= 4 and LIMIT == 3
return {LIMIT, named.LIMIT, named.RATE, kept(), is_less and 1 or 0, "RATE"}
"""
    assert run(bench, parts, source) == [3, 9, b"LIMIT", 7, 1, b"RATE"]
    assert "return 7" in assemble(source, parts)
    assert "return {3, named.LIMIT" in assemble(source, parts)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("local function early() return LIMIT end\nlocal LIMIT = 3\nreturn early()\n", "before it is declared"),
        ("-- @include kept  late\nreturn 1\n", "not understood"),
    ],
)
def test_a_text_that_would_not_be_what_it_seems_is_refused(parts: Path, source: str, why: str) -> None:
    with pytest.raises(AssemblyError, match=why):
        assemble(source, parts)


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("local LIMIT = 3\nlocal function f(LIMIT) return LIMIT end\nreturn {LIMIT, f(4)}\n", [3, 4]),
        ("local LIMIT = 3\nif true then local LIMIT = 4; return LIMIT end\n", 4),
        ("local LIMIT = 3\nfor LIMIT = 5, 5 do return LIMIT end\n", 5),
        ("local LIMIT = 3\nreturn 'a'..LIMIT\n", b"a3"),
    ],
)
def test_a_name_means_what_it_means_in_its_place(bench: Bench, parts: Path, source: str, answer: object) -> None:
    assert run(bench, parts, source) == answer


def test_a_name_that_is_declared_twice_keeps_its_places(bench: Bench, parts: Path) -> None:
    source = (
        "local LIMIT = 3\nlocal function inner()\n  local LIMIT = 4\n  return LIMIT\nend\nreturn {LIMIT, inner()}\n"
    )
    assert run(bench, parts, source) == [3, 4]


def test_a_plain_job_needs_none_of_the_late_parts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each call would pay for them, which is what they are late for."""
    refusing = assembly._MADE_LATE.replace("    is_made = true\n", "    error('made')\n")
    assert refusing != assembly._MADE_LATE
    monkeypatch.setattr(assembly, "_MADE_LATE", refusing)
    load_script.cache_clear()
    try:
        ids = [bench.submit(), bench.submit(queue="other")]
        for job_id, queue in zip(ids, ("main", "other"), strict=True):
            assert bench.settle(bench.lease(queues=(queue,)), result=b"1", duration_ms=5) is Status.COMPLETED
            assert bench.get(job_id).status is Status.COMPLETED
        bench.submit()
        bench.client.hset(bench.keys.named("limits"), "demo.echo", b"")
        with pytest.raises(Exception, match="made"):
            bench.claim()
    finally:
        load_script.cache_clear()
    bench.client.delete(bench.keys.named("limits"))

"""Ids rise within a process, whatever the clock does, and carry time and shard."""

from __future__ import annotations

import threading
import uuid
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain import identity
from jobs.domain.identity import IdentityMaker, created_ms, parse_id
from jobs.domain.shard import MAX_SHARDS, shard_of

YEAR_2500_NS = 16_725_225_600 * 10**9


@given(st.lists(st.integers(0, YEAR_2500_NS), min_size=2, max_size=50))
def test_ids_rise_with_any_clock(readings: list[int]) -> None:
    clock = iter(readings)
    maker = IdentityMaker(lambda: next(clock))
    made = [maker.make() for _ in readings]
    assert all(before < after for before, after in pairwise(made))


def test_ids_rise_when_the_counter_of_a_frozen_clock_runs_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_COUNTER_BITS", 3)
    maker = IdentityMaker(lambda: 1_700_000_000_000_000_000)
    made = [maker.make() for _ in range(100)]
    assert all(before < after for before, after in pairwise(made))


def test_threads_share_a_maker_and_never_get_the_same_id() -> None:
    maker = IdentityMaker(lambda: 1_700_000_000_000_000_000)
    made: list[list[str]] = [[] for _ in range(4)]

    def work(into: list[str]) -> None:
        into.extend(maker.make() for _ in range(1000))

    threads = [threading.Thread(target=work, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({job_id for part in made for job_id in part}) == 4000
    assert all(part == sorted(part) for part in made)


@given(st.integers(0, YEAR_2500_NS), st.integers(0, 255))
def test_an_id_is_a_uuid_of_version_7_with_its_time_and_shard(now_ns: int, shard: int) -> None:
    job_id = IdentityMaker(lambda: now_ns).make(shard)
    parsed = uuid.UUID(job_id)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == now_ns // 1_000_000
    assert created_ms(job_id) == now_ns // 1_000_000
    assert shard_of(job_id, MAX_SHARDS) == shard == parsed.bytes[-1]
    assert parse_id(job_id) == job_id == parse_id(job_id.upper())


@pytest.mark.parametrize("shard", [-1, 256])
def test_a_shard_that_does_not_fit_is_refused(shard: int) -> None:
    with pytest.raises(ValueError, match="shard"):
        IdentityMaker().make(shard)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "0190163d-8694-739b-aea5-966c26f8ad9",
        "{0190163d-8694-739b-aea5-966c26f8ad90}",
        "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90",
        "0190163d8694739baea5966c26f8ad90",
        "0190163d-8694-439b-aea5-966c26f8ad90",
        "0190163d-8694-739b-cea5-966c26f8ad90",
        "0190163d-8694-739b-aea5-966c26f8ad90\n",
        "０190163d-8694-739b-aea5-966c26f8ad90",
    ],
)
def test_what_is_not_an_id_is_none(text: str) -> None:
    assert parse_id(text) is None


@given(st.text())
def test_any_text_is_an_id_or_none(text: str) -> None:
    assert parse_id(text) is None or parse_id(text) == text.lower()

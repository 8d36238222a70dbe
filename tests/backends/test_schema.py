"""The layout of the keys: newer data is refused, older is brought up by one process, a step at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from jobs.backends.redis import schema
from jobs.backends.redis.checks import SCHEMA_KEY, judge_schema
from jobs.backends.redis.schema import SCHEMA, STEPS, Client, Progress, layout_of, mark_schema, migrate
from jobs.domain.errors import BackendUnavailable
from tests.backends.servers import Server

NAMES = [f"old:{number}" for number in range(10)]


@pytest.fixture
def old(spare: Server) -> Iterator[redis.Redis]:
    """Return a store with things of layout 2 in it, of which 4 is the newest."""
    with spare.client() as client:
        client.flushall()
        client.set(SCHEMA_KEY, 2)
        for name in NAMES:
            client.set(name, "2")
        yield client
        client.flushall()


def rename(client: Client, progress: Progress) -> None:
    """Make layout 3: another name. What has its new name already is done."""
    for number, name in enumerate(NAMES):
        if client.exists(name):
            client.rename(name, name.replace("old", "new"))
        progress((number + 1) / len(NAMES))


def count_up(client: Client, progress: Progress) -> None:
    """Make layout 4: another content."""
    for name in NAMES:
        client.set(name.replace("old", "new"), "4")
    progress(1.0)


TWO = {2: rename, 3: count_up}


def contents(client: redis.Redis) -> set[bytes | None]:
    return {client.get(name.replace("old", "new")) for name in NAMES}


def test_an_older_layout_is_brought_up_step_by_step_and_its_progress_told(old: redis.Redis) -> None:
    told: list[tuple[int, float]] = []
    migrate(old, lambda layout, share: told.append((layout, share)), steps=TWO, newest=4)
    assert layout_of(old) == 4
    assert contents(old) == {b"4"}
    assert told == [(3, (number + 1) / 10) for number in range(10)] + [(4, 1.0)]
    told.clear()
    migrate(old, lambda *_: told.append((0, 0.0)), steps=TWO, newest=4)
    assert told == []
    assert not old.exists(schema._TURN_KEY)


def test_a_step_that_ended_in_its_middle_is_begun_anew(old: redis.Redis) -> None:
    def end_at_half(layout: int, share: float) -> None:
        if share >= 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(old, end_at_half, steps=TWO, newest=4)
    assert layout_of(old) == 2
    migrate(old, lambda *_: None, steps=TWO, newest=4)
    assert (layout_of(old), contents(old)) == (4, {b"4"})


def test_one_process_migrates_and_another_is_told_to_wait(old: redis.Redis) -> None:
    def ask_too(layout: int, share: float) -> None:
        with pytest.raises(BackendUnavailable):
            migrate(old, lambda *_: None, steps=TWO, newest=4)

    migrate(old, ask_too, steps=TWO, newest=4)
    assert layout_of(old) == 4


def test_who_was_silent_for_too_long_migrates_no_further(old: redis.Redis) -> None:
    def lose_the_turn(layout: int, share: float) -> None:
        old.set(schema._TURN_KEY, "another")

    with pytest.raises(BackendUnavailable):
        migrate(old, lose_the_turn, steps=TWO, newest=4)
    assert layout_of(old) == 2
    assert old.get(schema._TURN_KEY) == b"another"


@pytest.mark.parametrize("found", [1, 4, 5])
def test_what_no_step_leads_from_is_left_alone_and_refused(old: redis.Redis, found: int) -> None:
    old.set(SCHEMA_KEY, found)
    migrate(old, lambda *_: None, steps=TWO, newest=4)
    assert layout_of(old) == found
    assert {old.get(name) for name in NAMES} == {b"2"}
    assert judge_schema(found, 4).level == ("ok" if found == 4 else "refuse")


def test_a_new_store_is_marked_and_nothing_is_migrated(old: redis.Redis) -> None:
    old.delete(SCHEMA_KEY)
    migrate(old, lambda *_: None, steps=TWO, newest=4)
    assert layout_of(old) == 0
    mark_schema(old)
    assert layout_of(old) == SCHEMA
    assert SCHEMA not in STEPS, "a step leads from each layout but the newest"

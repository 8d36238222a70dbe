"""The first page: each mishap is counted once, in the chart, in the tiles and in what a screen reader says."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from jobs import wiring
from jobs.access.scopes import Role
from jobs.backends.store_health import StoreHealth
from jobs.domain.job import Delivery
from jobs.domain.outcome import OutcomeKind
from tests.dashboard.conftest import Team, text_of
from tests.stores import LEASE_MS

MINUTE_MS = 60_000


def overview_of(team: Team) -> str:
    return text_of(team.client(Role.VIEWER).get("/console/"))


def charted(page: str) -> tuple[int, ...]:
    """Return what the chart shows in all: completed, retried, dead."""
    found = re.search(r'data-series="([^"]+)"', page)
    assert found
    return tuple(map(sum, json.loads(html.unescape(found[1]))[1:]))


def in_tile(page: str, label: str) -> int:
    """Return what a tile counts in the last and in the running minute, between which a test may fall."""
    found = re.search(label + r'</span><div class="tile-value"[^>]*>(\d+)</div><div class="tile-note">(\d+) this', page)
    assert found, label
    return int(found[1]) + int(found[2])


def test_a_job_that_died_of_its_failure_is_counted_once(team: Team) -> None:
    team.bench.submit()
    team.bench.settle(team.bench.lease())
    team.bench.dead_letter()
    page = overview_of(team)
    assert charted(page) == (1, 0, 1)
    assert (in_tile(page, "Done / min"), in_tile(page, "Failed / min")) == (1, 1)


def test_a_failure_that_will_be_retried_is_no_death(team: Team) -> None:
    team.bench.submit()
    team.bench.fail(team.bench.lease())
    page = overview_of(team)
    assert charted(page) == (0, 1, 0)
    assert in_tile(page, "Failed / min") == 1


def test_a_death_without_a_failed_attempt_is_counted_too(team: Team) -> None:
    team.bench.advance(-LEASE_MS - 1)
    team.bench.submit(delivery=Delivery.AT_MOST_ONCE)
    team.bench.lease()
    team.bench.advance(LEASE_MS + 1)
    team.bench.run(team.bench.maintainer.reap())
    team.bench.submit()
    team.bench.settle(team.bench.lease(), OutcomeKind.DISCARDED)
    page = overview_of(team)
    assert charted(page) == (0, 0, 2)
    assert in_tile(page, "Failed / min") == 2


def test_the_chart_is_told_in_words(team: Team) -> None:
    team.bench.advance(-MINUTE_MS)
    team.bench.dead_letter()
    page = overview_of(team)
    assert re.search(r"0 jobs completed, [01] attempts? failed and (1 job became a|0 jobs became) dead letter", page)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"fsync": "always", "append_only_bytes": 2048, "has_snapshots": False}, ("2.0 KiB", "each write")),
        ({"fsync": "everysec", "snapshot_at": 1}, ("1 s may be lost", "ago")),
        ({"fsync": "no", "policy": "allkeys-lru"}, ("seconds may be lost", "allkeys-lru: jobs may be thrown away")),
        ({"has_append_only": False, "has_snapshots": False}, ("nothing: jobs are lost with the store", "none wanted")),
        ({"has_append_only": False, "snapshot_ok": False}, ("since the last snapshot are lost", "the last one failed")),
        ({"aof_ok": False}, ("cannot write to its disk", "the store does not say")),
    ],
)
def test_the_store_tells_whether_what_it_holds_stays(
    team: Team, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], words: tuple[str, str]
) -> None:
    fields: dict[str, Any] = {"policy": "noeviction", "has_append_only": True, **told}
    health = StoreHealth(ok=True, detail="", **fields)
    monkeypatch.setattr(wiring, "store_health", lambda: health)
    page = overview_of(team)
    for each in (*words, "When full"):
        assert each in page
    assert ('class="fault"' in page) == (health.may_evict or health.may_lose or not health.aof_ok)

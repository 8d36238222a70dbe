"""A store of its own, with each sync policy, is killed under load and started again: what had it acknowledged?"""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.backends.redis.embedded.server import EmbeddedStore
from tests.backends.embedded import end_server
from tests.backends.test_killed_store import Load, store_of
from tests.conftest import FIGURE
from tests.consistency import faults_of
from tests.stores import Bench
from tests.torture.pulse import Pulse, length_ms

# Of payloads of 7 bytes and of 60 kB: a second or two of work, so that syncs are under way.
JOBS = 5_000
KILLS = [3, pytest.param(30, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
# A store that syncs once a second answers for up to two while the last sync is under way, and writes nothing.
WINDOW_S = 2.5


@dataclass(frozen=True)
class Kill:
    """How many were acknowledged and lost, and how long before the kill the first lost one was made."""

    acknowledged: int
    lost: int
    window_s: float


def kill(store: EmbeddedStore, url: str, jobs: int) -> Kill:
    """Kill the store under load, start it again and compare, in a namespace that no other kill has touched."""
    with Bench(url=url) as bench:
        load, pulse = Load(bench), Pulse()
        load.wait_for(jobs)
        killed_at = time.time()
        end_server(store, signal.SIGKILL)
        load.end()
        pulse.stop()
        store.restart()
        pipeline = bench.client.pipeline(transaction=False)
        for job_id in load.acknowledged:
            pipeline.exists(bench.keys.named("job_prefix") + job_id)
        found = zip(load.acknowledged, pipeline.execute(), strict=True)
        lost = [job_id for job_id, is_there in found if not is_there]
        assert faults_of(bench.client, bench.keys) == []
        window_s = max((window_of(made_at(job_id), killed_at, pulse) for job_id in lost), default=0.0)
        return Kill(len(load.acknowledged), len(lost), window_s)


def window_of(made_at: float, killed_at: float, pulse: Pulse) -> float:
    """Return the seconds from one moment to the other in which the machine did not stand still."""
    return killed_at - made_at - length_ms(pulse.stalls, made_at * 1000, killed_at * 1000) / 1000


def made_at(job_id: str) -> float:
    """Return the Unix seconds in which an id was made, just before its job was submitted."""
    return (uuid.UUID(job_id).int >> 80) / 1000


def tell(record: Callable[[str, object], None], policy: str, kills: list[Kill]) -> None:
    """Show what was measured."""
    lost = [each.lost for each in kills]
    told = (
        f"appendfsync {policy}: {sum(lost)} of {sum(each.acknowledged for each in kills)} acknowledged jobs lost in "
        f"{len(lost)} kills of the store"
    )
    if any(lost):
        window_s = max(each.window_s for each in kills)
        told += f", at most {max(lost)} in one, none in {lost.count(0)}, made up to {window_s:.2f} s before the kill"
    record(FIGURE, told)


@pytest.mark.parametrize("number", KILLS)
def test_with_a_sync_each_second_what_is_lost_is_younger_than_the_window(
    tmp_path: Path, record_property: Callable[[str, object], None], number: int
) -> None:
    with store_of(tmp_path / "data", "everysec") as store:
        kills = [kill(store, EmbeddedStore.locate(tmp_path / "data").url, JOBS) for _ in range(number)]
    tell(record_property, "everysec", kills)
    assert max(each.window_s for each in kills) < WINDOW_S


@pytest.mark.parametrize("number", KILLS)
def test_with_a_sync_for_each_answer_nothing_is_lost(
    tmp_path: Path, record_property: Callable[[str, object], None], number: int
) -> None:
    with store_of(tmp_path / "data", "always") as store:
        kills = [kill(store, EmbeddedStore.locate(tmp_path / "data").url, JOBS // 5) for _ in range(number)]
    tell(record_property, "always", kills)
    assert [each.lost for each in kills] == [0] * number

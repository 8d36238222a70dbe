"""One namespace over twelve shards on three masters: it works as one, and no node takes the others with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from redis.crc import key_slot

from jobs.backends.redis.keys import Keys
from jobs.domain.shard import shard_of
from tests.backends.clusters import Cluster, is_master, move_slot
from tests.journeys.installation import MANAGE, Installation, entries_of, installation
from tests.journeys.test_store_outage import Load
from tests.processes.running import Running, free_port
from tests.waiting import until

pytestmark = pytest.mark.journey

SHARDS = 12
OPTIONS = ("--appendonly", "yes", "--appendfsync", "everysec", "--cluster-node-timeout", "1500")
PARTLY = ("--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0")
# Nodes must miss each other for the timeout, agree, and elect a replica, on a machine that does much else.
TAKEN_OVER_S = 40.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path / "nodes", *OPTIONS, *PARTLY, replicas=4) as made:
        yield made


@pytest.fixture
def replicated(cluster: Cluster, data_dir: Path) -> Iterator[Installation]:
    settings = {"IRONFORGE_SHARDS": str(SHARDS), "IRONFORGE_DURABILITY": "replicated"}
    with installation(data_dir, IRONFORGE_REDIS_URL=cluster.url, **settings) as running:
        yield running


@pytest.fixture
def spread(three_masters: Cluster, data_dir: Path) -> Iterator[Installation]:
    settings = {"IRONFORGE_SHARDS": str(SHARDS), "IRONFORGE_ACCEPT_LOSS": "on"}
    with installation(data_dir, IRONFORGE_REDIS_URL=three_masters.url, **settings) as running:
        yield running


def shards_on(cluster: Cluster, number: int) -> set[int]:
    """Return the shards of the default namespace that a master had at the start."""
    owner = cluster.masters[number]
    return {shard for shard in range(SHARDS) if cluster.owner_of(Keys("default", shard).named("pages")) is owner}


def test_jobs_of_every_kind_of_submission_run_wherever_they_are(spread: Installation) -> None:
    api = spread.api
    ids = singles_in_every_shard(spread)
    alone = len(ids)
    jobs = [{"kind": "demo.echo", "payload": number} for number in range(300)]
    ids += api.submit_all(jobs, key="bulk")
    assert [api.completed(job_id)["result"] for job_id in ids[:alone]] == list(range(alone))

    assert api.submit_all(jobs, key="bulk") == ids[alone:]
    whole = api.told("POST", "/jobs/bulk?atomic=true", jobs, idempotency_key="whole")
    assert len({shard_of(item["id"], SHARDS) for item in whole.body["items"]}) == 1

    (main,) = api.ask("GET", "/queues").body["data"]
    total = alone + 2 * len(jobs)
    until(lambda: api.ask("GET", "/queues").body["data"][0]["by_status"]["completed"] == total)
    assert main["name"] == "main"
    assert len(every_page(spread, "/jobs?status=completed&limit=200")) == total
    counted = f'ironforge_jobs_completed_total{{kind="demo.echo",namespace="default"}} {total}'
    until(lambda: counted in api.text("/metrics"))


def singles_in_every_shard(running: Installation) -> list[str]:
    """Submit jobs with the payloads 0, 1, 2 … until each shard has one, a matter of chance; return their ids."""
    ids: list[str] = []
    while {shard_of(job_id, SHARDS) for job_id in ids} != set(range(SHARDS)):
        assert len(ids) < 1_000, "a shard gets no jobs"
        ids.append(running.api.submit("demo.echo", len(ids)))
    return ids


def every_page(running: Installation, path: str) -> set[str]:
    """Return the ids that all pages of a list show, each of them once."""
    seen: list[str] = []
    target: str | None = path
    while target:
        page = running.api.ask("GET", target).body
        seen += [job["id"] for job in page["data"]]
        cursor = page["page"]["next"]
        target = f"{path}&cursor={cursor}" if cursor else None
    assert len(seen) == len(set(seen))
    return set(seen)


@pytest.mark.long
def test_a_slot_moves_and_a_master_dies_under_load_and_nothing_accepted_is_lost(
    cluster: Cluster, replicated: Installation
) -> None:
    dead = shards_on(cluster, 0)
    load = Load(replicated.api, pace_s=0.01)
    try:
        load.wait_for_accepted(100)
        slot = key_slot(Keys("default", min(shards_on(cluster, 1))).named("pages").encode())
        move_slot(slot, cluster.masters[1], cluster.masters[2])
        load.wait_for_accepted(100)
        cluster.masters[0].process.kill()
        # While a third of the shards is away, the others take jobs and finish them.
        elsewhere = wait_for_some_elsewhere(load, dead)
        for job_id in elsewhere:
            replicated.api.completed(job_id)
        with cluster.servers[3].client() as heir:
            until(lambda: is_master(heir), TAKEN_OVER_S)
        until(lambda: {shard_of(job_id, SHARDS) for job_id in load.accepted[-200:]} >= dead, TAKEN_OVER_S)
    finally:
        load.stop()
    assert load.broken == []
    assert {answer.status for _, answer in load.refused} <= {503}
    assert median(took_s for took_s, _ in load.refused) < 2.0  # not each, on a machine that stands still
    assert all("retry-after" in answer.headers for _, answer in load.refused)
    until(lambda: set(load.accepted) <= every_page(replicated, "/jobs?status=completed&limit=200"), TAKEN_OVER_S)
    assert_told_of_shards(replicated.log, dead)


def wait_for_some_elsewhere(load: Load, dead: set[int]) -> list[str]:
    """Return jobs of other shards that were accepted after a shard was first refused."""
    until(lambda: bool(load.refused))
    first = len(load.accepted)

    def elsewhere() -> list[str]:
        return [job_id for job_id in load.accepted[first:] if shard_of(job_id, SHARDS) not in dead]

    until(lambda: len(elsewhere()) >= 30)
    return elsewhere()


def assert_told_of_shards(log: Running, dead: set[int]) -> None:
    """Fail unless the worker said which shards it lost, and that each came back."""
    lost = {entry.get("shard") for entry in entries_of(log, "store.away")}
    assert dead & lost
    until(lambda: {entry.get("shard") for entry in entries_of(log, "store.back")} >= lost)


def test_another_number_of_shards_is_refused_at_the_start(data_dir: Path) -> None:
    with installation(data_dir, IRONFORGE_SHARDS="3") as running:
        running.api.completed(running.api.submit("demo.echo", 1))
        worker = [*MANAGE, "runworker_ironforge"]
        with Running(worker, {"IRONFORGE_DATA_DIR": str(data_dir), "IRONFORGE_SHARDS": "2"}) as refused:
            assert refused.wait() == 2
        assert "Set IRONFORGE_SHARDS=3" in "\n".join(refused.lines)
    with Running([*MANAGE, "ironforge", "--port", str(free_port())], {"IRONFORGE_DATA_DIR": str(data_dir)}) as refused:
        assert refused.wait() == 1
    assert "The jobs are spread over 3 shards, and IRONFORGE_SHARDS says 1." in "\n".join(refused.lines)

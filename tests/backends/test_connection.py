"""From a URL to a client: each form, and what a Sentinel does when the master changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis.cluster import RedisCluster

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.connection import CALL_TIMEOUT_S, client_options, connect, parse_sentinel, sentinel_options
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import Job
from jobs.domain.status import Status
from tests.backends.caller import Caller
from tests.backends.relay import Relay
from tests.backends.servers import HOST, UNHEARD_PORT, Server
from tests.stores import PATIENCE_S, Bench
from tests.waiting import until

SENTINEL_URLS = [
    ("redis+sentinel://a:1,b:2/jobs", [("a", 1), ("b", 2)], {}),
    ("redis+sentinel://a,b/jobs", [("a", 26379), ("b", 26379)], {}),
    ("redis+sentinel://a:1/jobs?db=3", [("a", 1)], {"db": 3}),
    ("redis+sentinel://me:s%40c%3Aret@a:1,b:2/jobs", [("a", 1), ("b", 2)], {"username": "me", "password": "s@c:ret"}),
    ("redis+sentinel://:secret@a:1/jobs", [("a", 1)], {"username": None, "password": "secret"}),
]


@pytest.mark.parametrize(("url", "hosts", "rest"), SENTINEL_URLS)
def test_a_sentinel_url_names_sentinels_service_and_credentials(
    url: str, hosts: list[tuple[str, int]], rest: dict[str, object]
) -> None:
    assert parse_sentinel(url) == (hosts, "jobs", rest)


@pytest.mark.parametrize("url", ["redis+sentinel://a:1", "redis+sentinel:///jobs", "redis+sentinel://a:1,,b:2/jobs"])
def test_a_sentinel_url_without_service_or_host_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        parse_sentinel(url)
    with pytest.raises(ValueError, match="host:port"):
        connect(url, "test")


hosts = st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True)


@given(st.lists(st.tuples(hosts, st.integers(1, 65535)), min_size=1, max_size=4), hosts)
def test_any_list_of_sentinels_is_read_back(given_hosts: list[tuple[str, int]], service: str) -> None:
    addresses = ",".join(f"{host}:{port}" for host, port in given_hosts)
    assert parse_sentinel(f"redis+sentinel://{addresses}/{service}") == (given_hosts, service, {})


def test_a_client_never_repeats_a_call_by_itself() -> None:
    assert client_options("test")["retry"].get_retries() == 0
    with connect("redis://localhost", "test") as client:
        assert client.connection_pool.make_connection().retry.get_retries() == 0


def test_a_cluster_client_finds_the_node_of_each_key(cluster_url: str) -> None:
    client = connect(cluster_url, "test")
    assert isinstance(client, RedisCluster)
    assert client.ping()
    client.close()


def test_a_cluster_refuses_a_script_that_reaches_into_another_slot(cluster_url: str) -> None:
    with Bench(url=cluster_url) as bench:
        text = "#!lua\nreturn redis.call('GET', 'ironforge:{other/0}:x')"
        with pytest.raises(Exception, match=r"(?i)slot|undeclared|non local key"):
            bench.client.eval(text, 1, bench.keys.named("pages"))


class Guarded:
    """A master, its replica, and a sentinel that guards them."""

    def __init__(self, directory: Path) -> None:
        self.servers = [Server(directory / "master", "--repl-diskless-sync-delay", "0")]
        try:
            port = self.servers[0].port
            self.servers.append(Server(directory / "replica", "--replicaof", HOST, str(port)))
            self.servers[1].told("sync: Finished with success")
            config = f"sentinel monitor jobs {HOST} {port} 1\nsentinel down-after-milliseconds jobs 60000\n"
            self.servers.append(Server(directory / "sentinel", config=config))
        except BaseException:
            self.stop()
            raise
        self.sentinel = self.servers[-1]
        self.sentinel.told("+slave slave")

    @property
    def url(self) -> str:
        return f"redis+sentinel://{HOST}:{UNHEARD_PORT},{HOST}:{self.sentinel.port}/jobs"

    def fail_over(self) -> None:
        """Make the replica the master and the master a replica, once it has all that was written."""
        with self.servers[0].client() as master:
            master.set("last", "1")
            until(lambda: master.wait(1, 1_000) == 1)
        with self.sentinel.client() as client:
            # It asks for news every ten seconds otherwise.
            client.execute_command("SENTINEL", "DEBUG", "info-period", 200, "ping-period", 200)
            while not self._has_begun(client):
                self.sentinel.listen(0.2)
        self.sentinel.told("+switch-master jobs")
        with self.servers[0].client() as old:
            # The sentinel would do so too, eight seconds later.
            old.replicaof(HOST, str(self.servers[1].port))

    @staticmethod
    def _has_begun(client: redis.Redis) -> bool:
        try:
            client.execute_command("SENTINEL", "FAILOVER", "jobs")
        except redis.ResponseError as error:
            # The sentinel has not heard of the replica's health yet.
            assert "NOGOODSLAVE" in str(error)  # noqa: PT017
            return False
        return True

    def stop(self) -> None:
        for server in self.servers:
            server.stop()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    made = Guarded(tmp_path)
    yield made
    made.stop()


def is_completed(job: Job | None) -> bool:
    return job is not None and job.status is Status.COMPLETED


def test_clients_find_the_master_through_a_sentinel_and_follow_it_to_another(guarded: Guarded, patience: None) -> None:
    with (
        Bench(url=guarded.url) as bench,
        closing(Caller("channel")) as follower,
        closing(Caller("sync", PATIENCE_S)) as late,
    ):
        job_id = bench.submit()
        look = bench.inspector.get(job_id)
        run = follower.at(guarded.url)
        assert run(look) is not None
        guarded.fail_over()
        assert bench.get(job_id).status is Status.QUEUED
        assert bench.settle(bench.lease()) is Status.COMPLETED
        # Until the old master hears that it is none, who is connected to it reads what it knew.
        until(lambda: is_completed(run(look)))
        assert is_completed(late.at(guarded.url)(look))
        with guarded.servers[0].client() as former:
            # Who follows may have gone to the new one before the old one hears of it.
            until(lambda: former.info("replication")["role"] == "slave")
        with pytest.raises(BackendUnavailable):
            late.at(guarded.servers[0].url)(bench.consumer.farewell("w1"))


def test_without_any_sentinel_the_store_is_unavailable(caller: Caller) -> None:
    url = f"redis+sentinel://{HOST}:{UNHEARD_PORT},{HOST}:{UNHEARD_PORT}/jobs"
    with pytest.raises(BackendUnavailable):
        caller.at(url)(RedisBackend().inspector("n1").overview(0))


@pytest.mark.parametrize("number", range(1, 8))
def test_sentinels_are_asked_in_turn_within_the_time_of_one_call(number: int) -> None:
    each = sentinel_options("test", number)
    assert each["socket_timeout"] == each["socket_connect_timeout"] >= 0.2
    assert number * each["socket_timeout"] <= max(CALL_TIMEOUT_S + 0.001, number * 0.2)


def test_sentinels_that_fall_silent_are_each_tried_no_more_than_twice(prompt_caller: Caller, relay: Relay) -> None:
    relay.is_silent = True
    url = "redis+sentinel://" + ",".join([f"{HOST}:{relay.port}"] * 3) + "/jobs"
    with pytest.raises(BackendUnavailable):
        prompt_caller.at(url)(RedisBackend().inspector("n1").overview(0))
    assert 3 <= relay.connections <= 6

"""`replicated`: an answer says that a replica has it too; without one it is refused, and safe to repeat."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import pytest

from jobs.backends.base import Submission, SubmitCode
from jobs.backends.call import Call
from jobs.backends.redis import replicas
from jobs.backends.redis.channel import Channel
from jobs.backends.redis.connection import connect, connect_to
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import JobSpec
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from tests.backends.servers import HOST, Server
from tests.stores import PATIENCE_S, Bench
from tests.waiting import until

T = TypeVar("T")
SHIPPED_MS = replicas.WAIT_MS
# What a busy machine may add is well below what is waited for a replica that is slow.
LONGEST_S = PATIENCE_S / 2


@pytest.fixture(autouse=True)
def _waits(patience: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a replica that is slow."""
    monkeypatch.setattr(replicas, "WAIT_MS", round(PATIENCE_S * 900))


@contextmanager
def waiting_as_shipped() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replicas, "WAIT_MS", SHIPPED_MS)
        yield


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Return a master and its replica."""
    folder = tmp_path_factory.mktemp("pair")
    with (
        Server(folder / "master", "--repl-diskless-sync-delay", "0") as master,
        Server(folder / "replica", "--replicaof", HOST, str(master.port)) as replica,
    ):
        replica.told("sync: Finished with success")
        with master.client() as client:
            # The master learns that it is there a little later.
            until(lambda: bool(client.set("any", "")) and client.wait(1, 1_000) == 1)
        yield master, replica


@pytest.fixture
def bench(pair: tuple[Server, Server]) -> Iterator[Bench]:
    """Return a namespace whose writes wait for the replica."""
    with Bench(url=pair[0].url) as made:
        made.runner = SyncRunner(made.client, has_test_clock=True, replicas=1)
        made.run, made.run_many = made.runner.run, made.runner.run_many
        yield made


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Hold a server still, and wait for it no longer than anybody does."""
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        with waiting_as_shipped():
            yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


def test_what_was_answered_is_on_the_replica(bench: Bench, pair: tuple[Server, Server]) -> None:
    job_id = bench.submit()
    with pair[1].client() as replica:
        assert replica.hget(bench.keys.named("job_prefix") + job_id, "status") == b"queued"
        assert bench.settle(bench.lease()) is Status.COMPLETED
        assert replica.hget(bench.keys.named("job_prefix") + job_id, "status") == b"completed"


def test_without_a_replica_a_submission_is_refused_in_time_and_its_repetition_is_the_same_job(
    bench: Bench, pair: tuple[Server, Server]
) -> None:
    call = bench.producer.submit([Submission(bench.ids.make(), JobSpec(kind="demo.echo"))])
    with frozen(pair[1]):
        began = time.monotonic()
        with pytest.raises(BackendUnavailable) as refusal:
            bench.run(call)
        assert time.monotonic() - began < LONGEST_S
        assert refusal.value.code == "not_durable"
        # Looking and claiming do not wait.
        assert bench.run(bench.inspector.overview(0)).queues[0].name == "main"
    (again,) = bench.run(call)
    assert again.code in (SubmitCode.ACCEPTED, SubmitCode.REPLAYED)
    assert len(bench.run(bench.inspector.list_jobs(None, None, None, 10)).jobs) == 1


def test_many_calls_wait_together_and_an_unknown_script_is_sent_again(bench: Bench) -> None:
    bench.client.script_flush()
    ids = [bench.ids.make() for _ in range(3)]
    calls = [bench.producer.submit([Submission(job_id, JobSpec(kind="demo.echo"))]) for job_id in ids]
    answers = bench.run_many(calls)
    assert [answer[0].job_id for answer in answers] == ids


def completed(lease: Lease) -> Settlement:
    return Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.COMPLETED)


def over_a_channel(url: str, call: Call[T]) -> T:
    async def run() -> T:
        channel = Channel(partial(connect_to, url, "test", call.keys[0]), has_test_clock=True, replicas=1)
        try:
            return await channel.run(call)
        finally:
            channel.close()

    return asyncio.run(run())


def over_a_client(url: str, call: Call[T]) -> T:
    with connect(url, "test", PATIENCE_S) as client:
        return SyncRunner(client, has_test_clock=True, replicas=1).run(call)


# Each makes a connection of its own, as a client's next try does.
ANEW: list[Callable[..., Any]] = [over_a_channel, over_a_client]


@pytest.mark.parametrize("run_anew", ANEW)
def test_a_repeated_call_that_writes_nothing_is_no_more_confirmed_than_the_first(
    bench: Bench, pair: tuple[Server, Server], run_anew: Callable[..., Any]
) -> None:
    submission = bench.producer.submit([Submission(bench.ids.make(), JobSpec(kind="demo.echo"))])
    bench.submit()
    lease = bench.lease()
    settlement = bench.consumer.settle([completed(lease)])
    for call in (submission, settlement):
        with frozen(pair[1]):
            for _ in range(3):
                with pytest.raises(BackendUnavailable) as refusal:
                    run_anew(pair[0].url, call)
                assert refusal.value.code == "not_durable"
        run_anew(pair[0].url, call)


@pytest.mark.parametrize("run_anew", ANEW)
def test_a_full_store_still_lets_a_job_end_on_its_replica(
    bench: Bench, pair: tuple[Server, Server], run_anew: Callable[..., Any]
) -> None:
    bench.submit()
    lease = bench.lease()
    settlement = bench.consumer.settle([completed(lease)])
    bench.client.config_set("maxmemory", 1)
    try:
        (settled,) = run_anew(pair[0].url, settlement)
    finally:
        bench.client.config_set("maxmemory", 0)
    assert settled.status is Status.COMPLETED


def test_a_cluster_s_writes_wait_on_the_node_that_has_the_keys(cluster_url: str) -> None:
    with Bench(url=cluster_url) as bench:
        runner = SyncRunner(bench.client, has_test_clock=True, replicas=1)
        call = bench.producer.submit([Submission(bench.ids.make(), JobSpec(kind="demo.echo"))])
        with waiting_as_shipped(), pytest.raises(BackendUnavailable) as refusal:
            runner.run(call)
        assert refusal.value.code == "not_durable"
        assert bench.lease().job.kind == "demo.echo"


def test_a_connection_of_an_event_loop_waits_as_well(bench: Bench, pair: tuple[Server, Server]) -> None:
    async def story() -> None:
        channel = Channel(
            partial(connect_to, pair[0].url, "test", bench.keys.named("pages")), has_test_clock=True, replicas=1
        )
        bench.client.script_flush()
        ids = [bench.ids.make() for _ in range(3)]
        calls = [bench.producer.submit([Submission(job_id, JobSpec(kind="demo.echo"))]) for job_id in ids]
        try:
            answers = await channel.run_many(calls[:2])
            assert [answer[0].job_id for answer in answers] == ids[:2]
            with pair[1].client() as replica:
                assert replica.hget(bench.keys.named("job_prefix") + ids[1], "status") == b"queued"
            with frozen(pair[1]):
                with pytest.raises(BackendUnavailable) as refusal:
                    await channel.run(calls[2])
                assert refusal.value.code == "not_durable"
                assert (await channel.run(bench.inspector.overview(0))).queues[0].name == "main"
            assert (await channel.run(calls[2]))[0].job_id == ids[2]
        finally:
            channel.close()

    asyncio.run(story())

"""Whatever is wrong with the store, a caller gets BackendUnavailable, soon, and the next call works again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest
from redis import exceptions as faults

from jobs.backends.redis.channel import Channel
from jobs.backends.redis.connection import CALL_TIMEOUT_S, CONNECT_TIMEOUT_S, connect_to
from jobs.domain.errors import BackendUnavailable
from jobs.domain.status import Status
from tests.backends.caller import SOON_S, Caller, patiently
from tests.backends.relay import Relay
from tests.backends.servers import HOST, UNHEARD_PORT, Server
from tests.stores import Bench


@pytest.fixture
def judge(spare: Server) -> Iterator[Bench]:
    """Return a namespace on the spare server, seen without the relay."""
    with Bench(url=spare.url) as bench:
        yield bench


REFUSALS = {
    "LOADING Valkey is loading the dataset in memory": "store_unavailable",
    "BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.": "store_unavailable",
    "READONLY You can't write against a read only replica.": "store_unavailable",
    "READONLY Can not run script with write flag on readonly replica.": "store_unavailable",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.": "store_unavailable",
    "NOREPLICAS Not enough good replicas to write.": "store_unavailable",
    "CLUSTERDOWN The cluster is down": "store_unavailable",
    "TRYAGAIN Multiple keys request during rehashing of slot": "store_unavailable",
    "NOAUTH Authentication required.": "store_unavailable",
    "NOPERM User app has no permissions to run the 'evalsha' command": "store_unavailable",
    "OOM command not allowed when used memory > 'maxmemory'.": "queue_full",
    "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'": "queue_full",
    "MISCONF Errors writing to the AOF file: No space left on device": "storage_full",
    "MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist to disk.": "storage_full",
}


@pytest.mark.parametrize(("reply", "code"), REFUSALS.items())
def test_a_store_that_is_not_ready_is_unavailable_and_the_next_call_works(
    caller: Caller, relay: Relay, judge: Bench, reply: str, code: str
) -> None:
    run = caller.at(relay.url)
    call = judge.inspector.overview(0)
    run(call)
    relay.refusal = f"-{reply}".encode()
    with pytest.raises(BackendUnavailable) as refusal:
        run(call)
    assert (refusal.value.code, refusal.value.retryable) == (code, True)
    relay.refusal = None
    assert patiently(run, call).queues == ()


def test_a_fault_of_our_own_is_not_hidden(caller: Caller, relay: Relay, judge: Bench) -> None:
    run = caller.at(relay.url)
    relay.refusal = b"-ERR user_script:1: attempt to index a nil value"
    with pytest.raises(faults.ResponseError, match="attempt to index"):
        run(judge.inspector.overview(0))


def test_a_refused_connection_is_unavailable_at_once(caller: Caller, judge: Bench) -> None:
    with pytest.raises(BackendUnavailable):
        caller.at(f"redis://{HOST}:{UNHEARD_PORT}")(judge.inspector.overview(0))


def test_a_missing_socket_is_unavailable_at_once(caller: Caller, judge: Bench) -> None:
    with pytest.raises(BackendUnavailable):
        caller.at("unix:///does/not/exist.sock?db=0")(judge.inspector.overview(0))


def test_a_cluster_that_is_away_is_unavailable(caller: Caller, judge: Bench) -> None:
    with pytest.raises(BackendUnavailable):
        caller.at(f"redis+cluster://{HOST}:{UNHEARD_PORT}")(judge.inspector.overview(0))


def test_call_and_connection_together_wait_less_than_two_seconds() -> None:
    assert CALL_TIMEOUT_S + CONNECT_TIMEOUT_S < 2


def test_a_store_that_falls_silent_is_given_up_after_one_try(prompt_caller: Caller, relay: Relay, judge: Bench) -> None:
    run = prompt_caller.at(relay.url)
    call = judge.inspector.overview(0)
    patiently(run, call)
    relay.is_silent, before = True, relay.scripts
    with pytest.raises(BackendUnavailable):
        run(call)
    assert relay.swallowed.is_set()
    assert relay.scripts == before + 1
    relay.is_silent = False
    assert patiently(run, call).queues == ()


def test_a_store_that_accepts_and_never_answers_is_given_up_after_one_try(
    prompt_caller: Caller, relay: Relay, judge: Bench
) -> None:
    relay.is_silent = True
    with pytest.raises(BackendUnavailable):
        prompt_caller.at(relay.url)(judge.inspector.overview(0))
    assert (relay.connections, relay.scripts) == (1, 0)


def test_a_lost_reply_is_asked_for_again_and_the_work_is_done_once(caller: Caller, relay: Relay, judge: Bench) -> None:
    run = caller.at(relay.url)
    run(judge.inspector.overview(0))
    relay.lose_replies(1)
    job_id = judge.submit()
    (acted,) = run(judge.operator.cancel([job_id], "r1", running=False, by="t"))
    assert (acted.code, acted.status) == ("done", Status.CANCELLED)
    assert judge.totals()["cancelled"] == 1


def test_two_lost_replies_are_unavailable_and_the_same_call_later_answers_as_the_first(
    caller: Caller, relay: Relay, judge: Bench
) -> None:
    run = caller.at(relay.url)
    run(judge.inspector.overview(0))
    job_id = judge.submit()
    call = judge.operator.cancel([job_id], "r1", running=False, by="t")
    relay.lose_replies(2)
    with pytest.raises(BackendUnavailable):
        run(call)
    (acted,) = run(call)
    assert (acted.code, acted.status) == ("done", Status.CANCELLED)
    assert judge.totals()["cancelled"] == 1


def test_connections_that_the_store_cut_are_made_anew_without_a_word(
    caller: Caller, spare: Server, judge: Bench
) -> None:
    run = caller.at(spare.url)
    call = judge.inspector.overview(0)
    run(call)
    with spare.client() as admin:
        admin.client_kill_filter(_type="normal", skipme=True)
    assert run(call).queues == ()


def test_a_cancelled_call_does_not_shift_the_replies_of_the_next(relay: Relay, judge: Bench, patience: None) -> None:
    ids = [judge.submit(payload=str(number).encode()) for number in range(20)]

    async def scenario() -> None:
        runner = Channel(partial(connect_to, relay.url, "caller", judge.keys.named("pages")))
        await runner.run(judge.inspector.overview(0))
        for number, job_id in enumerate(ids):
            task = asyncio.create_task(runner.run(judge.inspector.get(ids[0])))
            for _ in range(number % 5):
                await asyncio.sleep(0)
            task.cancel()
            job = await runner.run(judge.inspector.get(job_id))
            assert job is not None
            assert (job.id, job.payload) == (job_id, str(number).encode())
            await asyncio.gather(task, return_exceptions=True)
        runner.close()

    asyncio.run(scenario())


def test_a_call_cancelled_while_the_store_works_may_have_been_done_and_is_repeated_alike(
    relay: Relay, judge: Bench, patience: None
) -> None:
    judge.submit()
    call = judge.consumer.claim(["main"], "w1", seq=1, token="1" * 32, limit=1, lease_ms=10_000)

    async def scenario() -> str:
        runner = Channel(partial(connect_to, relay.url, "caller", judge.keys.named("pages")))
        await runner.run(judge.inspector.overview(0))
        relay.is_silent = True
        task = asyncio.create_task(runner.run(call))
        await asyncio.to_thread(relay.swallowed.wait, SOON_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        relay.is_silent = False
        # Its answer was lost, and with it this connection's place in the row of answers.
        runner.close()
        (lease,) = (await runner.run(call)).leases
        runner.close()
        return lease.job.id

    assert asyncio.run(scenario()) == judge.run(call).leases[0].job.id

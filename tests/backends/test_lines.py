"""Connections kept between single calls: they are found again, replaced when they broke, and not shared with a fork."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
from redis import exceptions as faults

from jobs.backends.redis.connection import connect
from jobs.backends.redis.lines import MAX_IDLE, Lines
from tests.backends.relay import Relay
from tests.backends.servers import Server
from tests.stores import PATIENCE_S
from tests.waiting import until


@pytest.fixture
def server_client(spare: Server) -> Iterator[object]:
    client = connect(spare.url, "lines", PATIENCE_S)
    yield client
    client.close()


def number(lines: Lines) -> int:
    return int(lines.ask("CLIENT", "ID"))


def is_answered(lines: Lines) -> bool:
    try:
        return number(lines) > 0
    except faults.TimeoutError:
        return False


def test_one_call_after_another_uses_one_connection(server_client: object) -> None:
    lines = Lines(server_client)  # type: ignore[arg-type]
    assert len({number(lines) for _ in range(5)}) == 1


def test_a_refused_command_keeps_its_connection(server_client: object) -> None:
    lines = Lines(server_client)  # type: ignore[arg-type]
    first = number(lines)
    with pytest.raises(faults.ResponseError):
        lines.ask("NO.SUCH.COMMAND")
    assert number(lines) == first


@pytest.mark.parametrize(
    ("serves_stale", "command", "refusal"),
    [("yes", ("SET", "k", "v"), faults.ReadOnlyError), ("no", ("GET", "k"), faults.MasterDownError)],
)
def test_a_server_that_is_no_master_any_more_loses_its_connections_so_that_the_next_looks_for_the_master(
    spare: Server, server_client: object, serves_stale: str, command: tuple[str, ...], refusal: type[Exception]
) -> None:
    lines = Lines(server_client)  # type: ignore[arg-type]
    first = number(lines)
    with spare.client() as judge:
        judge.config_set("replica-serve-stale-data", serves_stale)
        judge.replicaof("127.0.0.1", 1)
        try:
            with pytest.raises(refusal):
                lines.ask(*command)
        finally:
            judge.replicaof("NO", "ONE")
            judge.config_set("replica-serve-stale-data", "yes")
    assert number(lines) != first


def test_a_connection_that_the_server_closed_is_told_once_and_replaced(spare: Server, server_client: object) -> None:
    lines = Lines(server_client)  # type: ignore[arg-type]
    first = number(lines)
    with spare.client() as judge:
        judge.client_kill_filter(_id=str(first))
    with pytest.raises(faults.ConnectionError):
        number(lines)
    assert number(lines) != first


def test_more_threads_than_connections_are_kept_all_get_their_own_answers(server_client: object) -> None:
    lines = Lines(server_client)  # type: ignore[arg-type]
    wrong: list[object] = []

    def ask(name: str) -> None:
        wrong.extend(answer for _ in range(20) if (answer := lines.ask("ECHO", name)) != name.encode())

    threads = [threading.Thread(target=ask, args=(f"t{each}",)) for each in range(3 * MAX_IDLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(lines._idle) <= MAX_IDLE


def test_a_fork_makes_connections_of_its_own(server_client: object) -> None:
    lines = Lines(server_client)  # type: ignore[arg-type]
    first = number(lines)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"%d" % number(lines))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = int(os.read(reading, 20))
    os.close(reading)
    os.close(writing)
    assert theirs != first
    assert number(lines) == first


def test_silence_is_told_and_its_connection_dropped(relay: Relay) -> None:
    client = connect(relay.url, "lines", 0.2)
    lines = Lines(client)  # type: ignore[arg-type]
    until(lambda: is_answered(lines))  # so little time is not enough for a busy machine each time
    relay.is_silent = True
    with pytest.raises(faults.TimeoutError):
        number(lines)
    relay.is_silent = False
    until(lambda: is_answered(lines))
    client.close()

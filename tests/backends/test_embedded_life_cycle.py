"""The embedded store's life: one supervisor, one server, adoption, restarts and a clean end."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import redis

from jobs.backends.redis.embedded.errors import StartCancelled, StoreLocked
from jobs.backends.redis.embedded.server import EmbeddedStore
from tests.backends.embedded import Events, client_of, end_server

REPOSITORY = Path(__file__).parents[2]
# Starts a store, says where its server is, and waits to be killed.
STARTER = """
import sys
from pathlib import Path
from jobs.backends.redis.embedded.server import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]), log=lambda event, facts: None)
store.start()
print(store.pid, flush=True)
sys.stdin.read()
"""


def test_a_fresh_start_answers_and_is_private(store: EmbeddedStore, data_dir: Path) -> None:
    store.start()
    with client_of(data_dir) as client:
        assert client.ping()
    assert data_dir.stat().st_mode & 0o777 == 0o700
    files = [path for path in data_dir.iterdir() if path.is_file()]
    assert {"redis.conf", "users.acl", "credentials.json", "redis.log", "lock"} <= {path.name for path in files}
    assert {path.name: path.stat().st_mode & 0o777 for path in files} == {path.name: 0o600 for path in files}


def test_a_second_supervisor_is_refused_and_told_who_has_the_directory(store: EmbeddedStore, data_dir: Path) -> None:
    store.start()
    second = EmbeddedStore(data_dir, log=lambda *_: None)
    with pytest.raises(StoreLocked, match=f"process {os.getpid()}") as refusal:
        second.start()
    assert refusal.value.pid == os.getpid()
    second.stop()
    assert store.poll() is None


def test_a_server_left_by_a_killed_supervisor_is_adopted_with_its_data(
    store: EmbeddedStore, data_dir: Path, events: Events
) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(data_dir)],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert starter.stdout is not None
    server_pid = int(starter.stdout.readline())
    with client_of(data_dir) as client:
        client.set("ironforge:kept", "1")
        starter.kill()
        starter.communicate()
        assert client.get("ironforge:kept") == b"1"
    store.start()
    assert events.names == ["store.adopted"]
    assert store.pid == server_pid
    gone = os.pidfd_open(server_pid)
    store.stop()
    assert not (data_dir / "redis.sock").exists()
    os.close(gone)


def test_an_adopted_server_that_dies_is_noticed_and_replaced(data_dir: Path, events: Events) -> None:
    first = EmbeddedStore(data_dir, log=events)
    first.start()
    first._lock.release()  # as if its supervisor were gone
    second = EmbeddedStore(data_dir, durability="everysec", log=events)
    second.start()
    assert second.pid == first.pid
    with redis.Redis.from_url(EmbeddedStore.locate(data_dir).admin_url, decode_responses=True) as admin:
        assert admin.config_get("appendfsync") == {"appendfsync": "everysec"}
    assert end_server(first, signal.SIGKILL).code == "store_killed"
    assert second.poll() is not None
    second.restart()
    with client_of(data_dir) as client:
        assert client.ping()
    second.stop()


def test_acknowledged_writes_survive_a_killed_server(store: EmbeddedStore, data_dir: Path) -> None:
    store.start()
    with client_of(data_dir) as client:
        for number in range(100):
            client.xadd("ironforge:log", {"n": str(number)})
    ended = end_server(store, signal.SIGKILL)
    assert (ended.code, ended.retryable) == ("store_killed", True)
    store.restart()
    with client_of(data_dir) as client:
        assert client.xlen("ironforge:log") == 100


def test_a_full_disk_is_recognised_and_the_store_comes_back_with_space(store: EmbeddedStore, data_dir: Path) -> None:
    store.start()
    assert store.pid is not None
    gone = os.pidfd_open(store.pid)
    with client_of(data_dir) as client:
        client.set("ironforge:a", "1")
        resource.prlimit(store.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        with pytest.raises(redis.RedisError):
            client.set("ironforge:b", "x" * 10_000)
    os.waitid(os.P_PIDFD, gone, os.WEXITED | os.WNOWAIT)
    os.close(gone)
    ended = store.poll()
    assert ended is not None
    assert (ended.code, ended.retryable) == ("storage_full", True)
    store.restart()
    with client_of(data_dir) as client:
        assert client.get("ironforge:a") == b"1"


def test_a_clean_stop_ends_the_server_and_frees_the_directory(store: EmbeddedStore, data_dir: Path) -> None:
    store.start()
    pid = store.pid
    assert pid is not None
    with client_of(data_dir) as client:
        client.set("ironforge:a", "1")
    store.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert store.pid is None
    assert "ready to exit" in (data_dir / "redis.log").read_text()
    again = EmbeddedStore(data_dir, log=lambda *_: None)
    again.start()
    with client_of(data_dir) as client:
        assert client.get("ironforge:a") == b"1"
    again.stop()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(store: EmbeddedStore) -> None:
    store.start()
    assert store.pid is not None
    assert os.getpgid(store.pid) != os.getpgid(0)
    assert os.getsid(store.pid) != os.getsid(0)


def test_a_start_waits_for_an_earlier_server_and_can_be_cancelled(data_dir: Path) -> None:
    first = EmbeddedStore(data_dir, log=lambda *_: None)
    first.start()
    first._lock.release()
    assert first.pid is not None
    os.kill(first.pid, signal.SIGSTOP)
    cancelled = threading.Event()
    cancelled.set()
    second = EmbeddedStore(data_dir, log=lambda *_: None)
    try:
        with pytest.raises(StartCancelled):
            second.start(cancelled)
    finally:
        os.kill(first.pid, signal.SIGCONT)
        second.stop()
        first.stop()

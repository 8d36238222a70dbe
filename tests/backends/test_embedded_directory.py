"""The embedded store's directory: private, its own, and refused where it cannot be both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
import redis

from jobs.backends.redis.embedded.errors import DataDirUnusable
from jobs.backends.redis.embedded.server import EmbeddedStore
from tests.backends.embedded import Events, client_of, end_server


def test_the_address_is_the_same_for_all_who_ask_before_the_start(data_dir: Path) -> None:
    found: list[str] = []
    gate = threading.Barrier(8)

    def ask() -> None:
        gate.wait()
        found.append(EmbeddedStore.locate(data_dir).url)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_passwords_stay_out_of_representations_logs_and_command_lines(
    store: EmbeddedStore, data_dir: Path, events: Events
) -> None:
    store.start()
    address = EmbeddedStore.locate(data_dir)
    password = redis.Redis.from_url(address.url).connection_pool.connection_kwargs["password"]
    assert len(password) >= 32
    command = Path(f"/proc/{store.pid}/cmdline").read_text()
    configuration = (data_dir / "redis.conf").read_text() + (data_dir / "users.acl").read_text()
    for text in (repr(address), str(events.seen), command, configuration, (data_dir / "redis.log").read_text()):
        assert password not in text


def test_a_start_that_failed_half_way_can_be_repeated(store: EmbeddedStore, data_dir: Path) -> None:
    (data_dir / "redis.conf").mkdir(parents=True)  # the configuration cannot be put in place
    with pytest.raises(DataDirUnusable):
        store.start()
    (data_dir / "redis.conf").rmdir()
    store.restart()
    with client_of(data_dir) as client:
        assert client.ping()


def test_a_stale_socket_and_process_number_do_not_matter(store: EmbeddedStore, data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    subprocess.run(
        [sys.executable, "-c", "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])",
         str(data_dir / "redis.sock")],
        check=True,
    )  # fmt: skip
    (data_dir / "redis.pid").write_text(f"{os.getpid()}\n")
    store.start()
    with client_of(data_dir) as client:
        assert client.ping()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_a_read_only_directory_is_refused_as_another_user() -> None:
    with tempfile.TemporaryDirectory() as name:
        data_dir = Path(name)
        data_dir.chmod(0o755)
        os.seteuid(65534)
        try:
            with pytest.raises(DataDirUnusable, match="not writable"):
                EmbeddedStore(data_dir, log=lambda *_: None).start()
        finally:
            os.seteuid(0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_refused(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o500)
    with pytest.raises(DataDirUnusable):
        EmbeddedStore(data_dir, log=lambda *_: None).start()


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DataDirUnusable, match="cannot be used"):
        EmbeddedStore(tmp_path / "data", log=lambda *_: None).start()


def test_a_directory_that_all_users_share_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(DataDirUnusable, match="shared"):
        EmbeddedStore(shared, log=lambda *_: None).start()
    assert shared.stat().st_mode & 0o7777 == 0o1777


@pytest.mark.parametrize("name", ["d" * 120, 'with space "quote" é'])
def test_a_long_or_odd_path_works(tmp_path: Path, name: str) -> None:
    data_dir = tmp_path / name
    store = EmbeddedStore(data_dir, log=lambda *_: None)
    store.start()
    address = EmbeddedStore.locate(data_dir)
    assert len(os.fsencode(address.socket_path)) < 108
    with client_of(data_dir) as client:
        client.set("ironforge:a", "1")
    end_server(store, signal.SIGKILL)
    store.restart()
    with client_of(data_dir) as client:
        assert client.get("ironforge:a") == b"1"
    store.stop()

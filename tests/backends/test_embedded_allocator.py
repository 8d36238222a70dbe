"""The embedded store runs with the system's jemalloc where it has no allocator of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.backends.redis.embedded.allocator import LIBRARY, command_with, preloaded
from jobs.backends.redis.embedded.binary import StoreBinary, find_binary
from jobs.backends.redis.embedded.server import EmbeddedStore


@pytest.fixture(autouse=True)
def _looked_up_anew() -> Iterator[None]:
    preloaded.cache_clear()
    yield
    preloaded.cache_clear()


@pytest.fixture
def library() -> Path:
    found = preloaded(find_binary())
    if found is None:
        pytest.skip("no jemalloc on this system (Debian: libjemalloc2)")
    return found


def libraries_of(pid: int | None) -> str:
    return Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.parametrize("may_preload", [True, False])
def test_a_server_without_jemalloc_gets_the_one_of_the_system_unless_told_not_to(
    tmp_path: Path, library: Path, may_preload: bool
) -> None:
    assert find_binary().allocator == "libc"
    said: dict[str, object] = {}
    store = EmbeddedStore(tmp_path, may_preload=may_preload, log=lambda _, fields: said.update(fields))
    store.start()
    try:
        assert (library.name in libraries_of(store.pid)) == may_preload
        assert said["allocator"] == (library.name if may_preload else "libc")
    finally:
        store.stop()


def test_a_server_keeps_the_allocator_that_it_has() -> None:
    assert preloaded(StoreBinary("/bin/redis-server", "redis", (7, 0, 15), "jemalloc-5.3.0")) is None


def test_what_is_preloaded_for_all_programs_comes_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/none/mine.so")
    told = subprocess.run(
        command_with(Path("/none") / LIBRARY, ["printenv", "LD_PRELOAD"]), capture_output=True, text=True, check=True
    )
    assert told.stdout == f"/none/{LIBRARY}:/none/mine.so\n"
    assert command_with(None, ["true"]) == ["true"]


@pytest.mark.parametrize("content", [b"", b"no library", b"\x7fELF\x01\x01\x01" + bytes(200)])
def test_a_library_that_a_server_does_not_run_with_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    (tmp_path / LIBRARY).write_bytes(content)
    monkeypatch.setattr("jobs.backends.redis.embedded.allocator._FOLDERS", (str(tmp_path),))
    assert preloaded(find_binary()) is None


def test_a_server_that_ends_with_the_library_runs_without(
    tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does for which the loader finds not all that the library needs."""
    (tmp_path / LIBRARY).symlink_to(library)
    preloaded.cache_clear()
    monkeypatch.setattr("jobs.backends.redis.embedded.allocator._FOLDERS", (str(tmp_path),))
    program = tmp_path / "server"
    program.write_text('#!/bin/sh\ntest -z "$LD_PRELOAD" || exit 127\necho "Valkey server v=8.1.8 malloc=libc"\n')
    program.chmod(0o700)
    found = find_binary(str(program))
    assert found.allocator == "libc"
    assert preloaded(found) is None

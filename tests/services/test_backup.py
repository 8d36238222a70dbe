"""Backups as files: what is packed is private, what is put back is what was packed, and half of it never runs."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from redis import RedisError

from jobs import store_owner
from jobs.backends.redis.embedded import directory
from jobs.backends.redis.embedded.admin import Admin
from jobs.backends.redis.embedded.errors import DataDirUnusable, StoreFailed
from jobs.backends.redis.embedded.server import EmbeddedStore
from jobs.services import backup
from jobs.services.backup import DATABASE, MANIFEST, SECRET_FILE, STORE, BackupRefused

DUMP = b"REDIS0011"


def quiet(_: str) -> None:
    """Tell nobody."""


def packed(folder: Path, target: Path) -> Path:
    """Return a backup of a store, a database and a secret that are no real ones."""
    scratch = folder / "scratch"
    scratch.mkdir()
    for name in (STORE, DATABASE, SECRET_FILE):
        (scratch / name).write_bytes(DUMP)
    backup._pack(scratch, target, 3)
    return target


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return packed(tmp_path, tmp_path / "backup.tar")


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data"
    monkeypatch.setenv("IRONFORGE_DATA_DIR", str(path))
    settings = type("Settings", (), {"data_dir": path})()
    monkeypatch.setattr(backup, "conf", lambda: settings)
    monkeypatch.setattr(store_owner, "conf", lambda: settings)
    return path


def test_all_that_is_put_back_is_readable_by_its_owner_alone(archive: Path, data_dir: Path) -> None:
    backup.restore(archive, quiet)
    modes = {name: (data_dir / name).stat().st_mode & 0o777 for name in (SECRET_FILE, DATABASE, directory.DUMP)}
    assert modes == dict.fromkeys(modes, 0o600)
    assert not (data_dir / directory.RESTORING).exists()


def link(member: tarfile.TarInfo) -> None:
    member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/passwd", 0


def renamed(name: str) -> Callable[[tarfile.TarInfo], None]:
    def rename(member: tarfile.TarInfo) -> None:
        member.name = name

    return rename


@pytest.mark.parametrize(
    "spoil", [link, renamed("../secret_key"), renamed("/secret_key"), renamed("more"), renamed(DATABASE)]
)
def test_a_member_that_leads_elsewhere_or_was_not_packed_is_refused(
    archive: Path, data_dir: Path, tmp_path: Path, spoil: Callable[[tarfile.TarInfo], None]
) -> None:
    wrong = tmp_path / "wrong.tar"
    with tarfile.open(archive) as source, tarfile.open(wrong, "w") as target:
        for member in source:
            content = source.extractfile(member)
            assert content is not None
            data = content.read()
            if member.name == SECRET_FILE:
                spoil(member)
            target.addfile(member, io.BytesIO(data) if member.isreg() else None)
    with pytest.raises(BackupRefused):
        backup.restore(wrong, quiet)
    assert list(data_dir.iterdir()) == []


def test_of_two_backups_into_one_file_one_is_whole_and_the_other_refused(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(4)]
    for folder in folders:
        folder.mkdir()

    def write(folder: Path) -> bool:
        try:
            return bool(packed(folder, tmp_path / "one.tar"))
        except BackupRefused:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, folders)) == 1
    with tarfile.open(tmp_path / "one.tar") as whole:
        assert set(whole.getnames()) == {MANIFEST, STORE, DATABASE, SECRET_FILE}
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


@pytest.mark.parametrize("name", [SECRET_FILE, DATABASE])
def test_a_restore_that_ended_in_the_middle_lets_no_store_start_and_is_begun_anew(
    archive: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    replace = Path.replace

    def die(path: Path, target: Path) -> Path:
        if path.name == name:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as dying:
        dying.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            backup.restore(archive, quiet)
    store = EmbeddedStore(data_dir, log=lambda *_: None)
    with pytest.raises(DataDirUnusable, match="run ironforge_restore again"):
        store.start()
    store.stop()
    backup.restore(archive, quiet)
    assert {path.name for path in data_dir.iterdir()} >= {directory.DUMP, SECRET_FILE, DATABASE}
    directory.require_whole(data_dir)
    with pytest.raises((BackupRefused, StoreFailed)):
        backup.restore(archive, quiet)


def test_a_store_that_is_started_anew_while_it_writes_a_copy_ends_the_backup_at_once(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "data", log=lambda *_: None)
    store.start()
    try:
        with closing(Admin(store.address.admin_url)) as admin:
            dump = admin.save()
        store.stop()
        store.start()
        with closing(Admin(store.address.admin_url)) as admin, pytest.raises(RedisError, match="started anew"):
            admin.save_progress(dump)
    finally:
        store.stop()

"""Backups of an installation on one machine: jobs, people, keys, audit log and the secret, in one file.

The store's part is of one moment, the database's of a moment shortly after. External stores and databases have tools of
their own, and their parts are left out.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from jobs import __version__, store_owner
from jobs.backends.redis.embedded.backup import finish_restore, is_unfinished
from jobs.conf import conf
from jobs.domain.errors import IronForgeError

MANIFEST = "manifest.json"
STORE = "store.rdb"
DATABASE = "ironforge.sqlite3"
SECRET_FILE = "secret_key"  # noqa: S105 (its name)
_FORM = 1


class BackupRefused(IronForgeError):
    """A backup cannot be made of this installation, or this one cannot be put back here."""

    code = "backup_refused"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `schema` is the store's layout, 0 without a store; `sums` are SHA-256 (hex) by file."""

    form: int
    version: str
    made_at: str
    schema: int
    sums: dict[str, str]


def back_up(target: Path, tell: Callable[[str], None]) -> Manifest:
    """Write a backup into a new file, mode 0600. Raises BackupRefused or StoreError."""
    if target.exists():
        raise BackupRefused(f"{target} exists already.")
    has_store, database = conf().is_embedded, _sqlite()
    if not has_store and database is None:
        raise BackupRefused("Store and database are external: back them up with their own tools.")
    with _scratch(conf().data_dir) as scratch:
        schema = 0
        if has_store:
            schema = store_owner.save_store(scratch / STORE, lambda share: tell(f"copying the store, {share:.0%}"))
        if database is not None:
            tell("copying the database")
            _copy_database(database, scratch / DATABASE)
        _copy_secret(scratch)
        tell("packing")
        return _pack(scratch, target, schema)


def restore(source: Path, tell: Callable[[str], None]) -> Manifest:
    """Put a backup into an empty data directory; the next start takes it up. Raises BackupRefused or StoreError.

    The store's part comes first, with a mark that keeps a store from starting until the rest is in its place too: what
    ends in the middle is begun anew, and nothing runs on half of it.
    """
    data_dir = conf().data_dir
    with _scratch(data_dir) as scratch:
        tell("unpacking")
        manifest = _unpack(source, scratch)
        database = data_dir / DATABASE
        if (scratch / DATABASE).exists() and database.exists() and not is_unfinished(data_dir):
            raise BackupRefused(f"{database} exists already: move it away, or restore into another directory.")
        if (scratch / STORE).exists():
            tell("putting the store back")
            store_owner.put_store_back(scratch / STORE, manifest.schema)
        for name in (SECRET_FILE, DATABASE):
            if (scratch / name).exists():
                (scratch / name).replace(data_dir / name)
        finish_restore(data_dir)
    return manifest


def _sqlite() -> Path | None:
    return Path(str(connection.settings_dict["NAME"])) if connection.vendor == "sqlite" else None


def _copy_database(path: Path, target: Path) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _copy_secret(scratch: Path) -> None:
    kept = conf().data_dir / SECRET_FILE
    if kept.exists():
        with open(scratch / SECRET_FILE, "xb", opener=_private) as copy:
            copy.write(kept.read_bytes())


@contextmanager
def _scratch(data_dir: Path) -> Iterator[Path]:
    """Give a private folder on the same file system, so that what is ready can be moved in one step."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=data_dir) as folder:
        yield Path(folder)


def _pack(scratch: Path, target: Path, schema: int) -> Manifest:
    files = sorted(scratch.iterdir())
    made_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    manifest = Manifest(_FORM, __version__, made_at, schema, {file.name: _sum(file) for file in files})
    (scratch / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2))
    # Of its own: of two backups into one file each would write, or remove, the other's part.
    fd, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(fd, "wb") as raw, tarfile.open(fileobj=raw, mode="w") as archive:
            for file in (scratch / MANIFEST, *files):
                archive.add(file, file.name, recursive=False)
            raw.flush()
            os.fsync(raw.fileno())
        # Unlike a rename it replaces nothing.
        os.link(part, target)
    except FileExistsError as error:
        raise BackupRefused(f"{target} exists already.") from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _unpack(source: Path, scratch: Path) -> Manifest:
    """Unpack a backup's files, private to their owner. Raises BackupRefused for what is none, or is damaged."""
    try:
        with tarfile.open(source, "r:") as archive:
            members = {member.name: member for member in archive}
            _extract(archive, members[MANIFEST], scratch)
            told: dict[str, Any] = json.loads((scratch / MANIFEST).read_text())
            manifest = Manifest(**told)
            if manifest.form > _FORM:
                raise BackupRefused(f"{source} was made by a newer version, {manifest.version}.")
            others = set(members) - {MANIFEST}
            if others != set(manifest.sums) or others - {STORE, DATABASE, SECRET_FILE}:
                raise BackupRefused(f"{source} is damaged: it holds other files than were packed.")
            for name in others:
                _extract(archive, members[name], scratch)
    except (OSError, tarfile.TarError, ValueError, TypeError, KeyError) as error:
        raise BackupRefused(f"{source} is not a backup of IronForge: {error}.") from error
    for name, wanted in manifest.sums.items():
        if _sum(scratch / name) != wanted:
            raise BackupRefused(f"{source} is damaged: {name} is not what was packed.")
    return manifest


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, scratch: Path) -> None:
    """Write one member under its known name. Raises ValueError for a link or a device, which leads elsewhere."""
    content = archive.extractfile(member) if member.isreg() else None
    if content is None:
        raise ValueError(f"{member.name} is no plain file")
    with content, open(scratch / member.name, "xb", opener=_private) as file:
        shutil.copyfileobj(content, file)
        file.flush()
        os.fsync(file.fileno())


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

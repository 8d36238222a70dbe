"""Entries that an earlier version wrote are chained when the database is migrated."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.site.test_command_line import manage


def test_entries_of_before_are_chained_by_the_migration(tmp_path: Path) -> None:
    assert manage(tmp_path, "migrate", "ironforge_access", "0006").returncode == 0
    row = (
        "INSERT INTO ironforge_access_auditentry "
        "(at, actor, actor_kind, action, target_kind, target_id, namespace, reason, request_id) "
        "VALUES (?, 'a', 'key', 'b', 'queue', 'c', ?, '', '')"
    )
    with closing(sqlite3.connect(tmp_path / "ironforge.sqlite3")) as database, database:
        for namespace in ("a", "b", "a", "a"):
            database.execute(row, ("2026-01-02 03:04:05.678901", namespace))
    migrated = manage(tmp_path, "migrate")
    assert migrated.returncode == 0, migrated.stderr
    verified = manage(tmp_path, "ironforge_audit", "verify")
    assert verified.returncode == 0, verified.stderr
    assert [line.split()[:2] for line in verified.stdout.splitlines()][:2] == [["a", "3"], ["b", "1"]]
    with closing(sqlite3.connect(tmp_path / "ironforge.sqlite3")) as database, database:
        database.execute("UPDATE ironforge_access_auditentry SET actor = 'x' WHERE namespace = 'a' AND position = 2")
    broken = manage(tmp_path, "ironforge_audit", "verify")
    assert broken.returncode == 1
    assert "a: entry 2 was changed" in broken.stderr

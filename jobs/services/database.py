"""Django's database as an installation needs it: with the tables of this version."""

from __future__ import annotations

from collections.abc import Callable

from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from jobs.domain.errors import IronForgeError


class DatabaseBehind(IronForgeError):
    """The database was made by an earlier version, or by none."""

    code = "database_behind"


def is_migrated() -> bool:
    """Say whether no migration is left to be run. Raises django.db.OperationalError while the database is away."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def require_migrated() -> None:
    """Raise DatabaseBehind unless the database has this version's tables."""
    if not is_migrated():
        raise DatabaseBehind(
            "The database does not have the tables of this version: run .venv/bin/python manage.py migrate first."
        )


def keep_open() -> Callable[[], None]:
    """Keep one connection to SQLite until the function that is returned is called.

    Requests and rounds of loops close theirs. The last one that closes writes the log into the database and removes it,
    while everybody waits; then the next write makes it anew. With one that stays a write takes half the time.
    Of another database, or while it cannot be opened, nothing is kept.
    """
    if connection.vendor != "sqlite":
        return _nothing
    kept = connection.copy()
    kept.inc_thread_sharing()
    try:
        kept.ensure_connection()
    except OperationalError:
        return _nothing
    return kept.close


def _nothing() -> None:
    pass

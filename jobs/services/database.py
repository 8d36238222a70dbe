"""Django's database as an installation needs it: with the tables of this version."""

from __future__ import annotations

from django.db import connection
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

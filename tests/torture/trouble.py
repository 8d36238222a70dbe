"""The kinds of faults: whom they hit, how often, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from tests.torture.outside import RECEIVER, REMOTES

WORKERS = ("worker-1", "worker-2", "worker-3")
FORKING = "worker-2"
EVERY_WORKER = (*WORKERS, *REMOTES)
LINKS = (*EVERY_WORKER, "server", RECEIVER)
HTTP = "http"

UP, DOWN, BOTH = 1.0, 2.0, 3.0
_WAYS = (UP, DOWN, BOTH)
HOUR_S, DAY_S = 3600.0, 86_400.0
_JUMPS = (HOUR_S, -HOUR_S, DAY_S, -DAY_S)


@dataclass(frozen=True)
class Kind:
    """A kind of fault. `for_leases`: how long it lasts, in leases. `amounts`: what the kind's number may be."""

    name: str
    meaning: str
    targets: tuple[str, ...]
    weight: float
    for_leases: tuple[float, float] = (0.0, 0.0)
    amounts: tuple[float, ...] = (0.0,)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("worker_kill", "kill -9", EVERY_WORKER, 9),
        Kind("worker_stop", "SIGSTOP, for less or more than a lease", EVERY_WORKER, 8, (0.5, 3.0)),
        Kind("worker_term", "SIGTERM", EVERY_WORKER, 5),
        Kind("child_kill", "kill -9 of one forked worker process", (FORKING,), 5),
        Kind("child_stop", "SIGSTOP of one forked worker process", (FORKING,), 3, (0.5, 3.0)),
        Kind("server_kill", "kill -9", ("server",), 3),
        Kind("server_term", "SIGTERM", ("server",), 2),
        Kind("server_stop", "SIGSTOP", ("server",), 2, (0.25, 1.5)),
        Kind("receiver_kill", "kill -9, and away for a while", (RECEIVER,), 3, (0.0, 0.8)),
        Kind("receiver_stop", "SIGSTOP", (RECEIVER,), 3, (0.25, 2.0)),
        Kind("store_kill", "kill -9, and away for a while", ("store",), 4, (0.0, 0.8)),
        Kind("store_term", "SIGTERM, and away for a while", ("store",), 2, (0.0, 0.8)),
        Kind("store_stop", "SIGSTOP", ("store",), 3, (0.25, 2.0)),
        Kind("script_flush", "SCRIPT FLUSH", ("store",), 4),
        Kind("client_kill", "CLIENT KILL of everybody", ("store",), 4),
        Kind("memory_squeeze", "maxmemory at what is used", ("store",), 2, (0.5, 1.0)),
        Kind("aof_rewrite", "BGREWRITEAOF", ("store",), 3),
        Kind("link_cut", "all connections closed", (*LINKS, HTTP), 6),
        Kind("link_hold", "black hole, then what was held arrives or is cut", (*LINKS, HTTP), 7, (0.3, 2.5), _WAYS),
        Kind("link_delay", "each message late by so many ms", (*LINKS, HTTP), 5, (0.5, 2.0), (20.0, 100.0, 500.0)),
        Kind("link_half", "half a message, then cut", (*LINKS, HTTP), 4, (0.0, 0.0), (UP, DOWN)),
        Kind("link_swallow", "the next reply is lost with its connection", (*LINKS, HTTP), 8),
        Kind("clock_jump", "the worker's clock jumps by so many s", EVERY_WORKER, 5, (1.0, 3.0), _JUMPS),
    )
}  # fmt: skip

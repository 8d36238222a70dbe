"""How much of the machine the processes of a run use: files, threads, memory, connections to the store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.torture.cast import Cast

# What a process may have more than at its start: handler threads that stay, connections of a pool, each a file, caches.
MORE_FILES = 24
MORE_THREADS = 24
MORE_BYTES = 64 * 1024 * 1024
MORE_CONNECTIONS = 24
_PAGE_BYTES = 4096


@dataclass(frozen=True)
class Footprint:
    """One process."""

    files: Counter[str]  # by what they are, such as `socket`
    threads: int
    resident_bytes: int


def footprints(cast: Cast) -> dict[str, Footprint]:
    """Return the footprint of every process by a name that is the same after a restart."""
    found = {}
    for name, actor in cast.actors.items():
        found[name] = _footprint(actor.pid)
        for number, child in enumerate(actor.children()):
            if name.startswith("worker"):
                found[f"{name} child {number}"] = _footprint(child)
    return found


def connections(cast: Cast) -> int:
    """Return how many connections the store has."""
    with cast.client("footprint") as client:
        return int(client.info("clients")["connected_clients"])


def growth(before: dict[str, Footprint], after: dict[str, Footprint]) -> list[str]:
    """Return what grew by more than it may, in words."""
    grown = []
    for name, then in before.items():
        now = after.get(name)
        if now is None:
            grown.append(f"{name} is gone")
            continue
        for what, more, limit in (
            (_told(now.files - then.files), now.files.total() - then.files.total(), MORE_FILES),
            ("threads", now.threads - then.threads, MORE_THREADS),
            ("bytes of memory", now.resident_bytes - then.resident_bytes, MORE_BYTES),
        ):
            if more > limit and name != "store":
                grown.append(f"{name} has {more} more {what} than at the start")
    return grown


def _told(more: Counter[str]) -> str:
    return f"files ({', '.join(f'{amount} {what}' for what, amount in more.most_common())})"


def _file(descriptor: Path) -> str:
    """Return what an open file is; one that was closed meanwhile counts as well."""
    try:
        return descriptor.readlink().name.partition(":")[0]
    except FileNotFoundError:
        return "closed"


def _footprint(pid: int) -> Footprint:
    folder = Path(f"/proc/{pid}")
    resident = int((folder / "statm").read_text().split()[1]) * _PAGE_BYTES
    files = Counter(_file(descriptor) for descriptor in (folder / "fd").iterdir())
    return Footprint(files, len(list((folder / "task").iterdir())), resident)

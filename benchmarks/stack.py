"""One competitor, set up: its store, its environment, and ways to feed it, start its workers or its server."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks import toolchain
from benchmarks.cluster import Masters, cluster_store
from benchmarks.competitor import Command, Competitor, Setting
from benchmarks.payload import PAYLOAD
from benchmarks.process import Started, Unfit, answers, free_port, run_to_end, running, wait_until
from benchmarks.store import Store, embedded_store, plain_store
from jobs.backends.redis.embedded.binary import find_binary

_START_S: Final = 40.0
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


@dataclass(frozen=True, slots=True)
class People:
    """What a client of IronForge shows: a key, or the cookie of a session, the first an administrator's."""

    data_dir: Path  # a data directory with a migrated database to copy
    key: str
    cookies: tuple[str, ...]

    @property
    def cookie(self) -> str:
        """Return the administrator's."""
        return self.cookies[0]


@dataclass(slots=True)
class Stack:
    """A competitor with its store running."""

    competitor: Competitor
    store: Store | Masters
    folder: Path
    environ: dict[str, str]
    places: Mapping[str, str]
    people: People | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def stamps(self) -> Path:
        """Return the file that jobs write into."""
        return self.folder / "stamps"

    def noted(self) -> list[tuple[int, int]]:
        """Return what the jobs wrote so far: (number or time sent in us, time run in us)."""
        if not self.stamps.exists():
            return []
        lines = self.stamps.read_text().splitlines()
        return [(int(first), int(second)) for first, second in (line.split() for line in lines)]

    def forget_notes(self) -> None:
        """Empty the file that jobs write into."""
        os.truncate(self.stamps, 0)

    def feed(self, *words: object, limit_s: float = 120.0) -> dict[str, float]:
        """Run the peer's own client: `fill count every`, `naps count` or `pace count rate`. Raises Unfit."""
        argv = [*self._command(self.competitor.feed), *map(str, words)]
        told = run_to_end(argv, self.environ, self.folder / "feed.log", limit_s, toolchain.PROGRAMS)
        answer: dict[str, float] = json.loads(told.strip().splitlines()[-1])
        return answer

    @contextlib.contextmanager
    def workers(self, setting: Setting) -> Iterator[list[Started]]:
        """Run the workers of a setting."""
        with contextlib.ExitStack() as stack:
            yield [
                stack.enter_context(
                    running(
                        self._command(words), self.environ, self.folder / f"worker-{number}.log", toolchain.PROGRAMS
                    )
                )
                for number, words in enumerate(self.competitor.commands(setting))
            ]

    @contextlib.contextmanager
    def web(self, *options: str) -> Iterator[tuple[Started, int]]:
        """Run the HTTP face; yields it with its port once it accepts connections."""
        port = free_port()
        argv = [*self._command(self.competitor.web or (), port=str(port)), *options]
        with running(argv, self.environ, self.folder / "web.log", toolchain.PROGRAMS) as started:
            wait_until(lambda: answers(port), _START_S, [started], "answer")
            yield started, port

    def _command(self, words: Command, **more: str) -> list[str]:
        places = {**self.places, "url": self.store.url, **more}
        return [word.format_map(places) for word in words]


class Builder:
    """Makes stacks in a scratch folder; knows what peers need and makes it once."""

    def __init__(self, scratch: Path, say: Callable[[str], None], peer_store: str = "redis") -> None:
        self._scratch = scratch
        self._say = say
        self._peer_store = peer_store
        self._count = 0
        self._people: People | None = None

    @contextlib.contextmanager
    def stack(self, competitor: Competitor) -> Iterator[Stack]:
        """Set a competitor up on a fresh store, and take it down. Raises Unfit."""
        places = self.places(competitor)
        self._count += 1
        folder = self._scratch / f"{self._count}"
        folder.mkdir()
        people = self.people() if competitor.is_ours else None
        try:
            with self._store(competitor, folder, people) as store:
                environ = self._environ(competitor, store, folder)
                headers = {"Authorization": f"Bearer {people.key}"} if people else {}
                yield Stack(competitor, store, folder, environ, places, people, headers)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def places(self, competitor: Competitor) -> dict[str, str]:
        """Return where a competitor's programs are, installed if need be. Raises Unfit."""
        places = {"python": sys.executable, "root": str(toolchain.ROOT)}
        if competitor.kind == "python":
            places["bin"] = str(toolchain.python_environment(competitor.name, self._say))
        elif competitor.kind == "node":
            places["node"] = str(toolchain.node_modules(self._say))
        elif competitor.kind == "ruby":
            toolchain.system_program("sidekiq", "ruby-sidekiq", self._say)
        return places

    def people(self) -> People:
        """Return a key and a session on a database that is made once a run and copied for each stack."""
        if self._people is None:
            data_dir = self._scratch / "people"
            data_dir.mkdir(mode=0o700)
            environ = self._base() | _site(data_dir)
            program = [sys.executable, str(toolchain.PROGRAMS / "ironforge_people.py")]
            told = run_to_end(program, environ, self._scratch / "people.log", _START_S, toolchain.ROOT)
            made: dict[str, Any] = json.loads(told.strip().splitlines()[-1])
            self._people = People(data_dir, made["key"], tuple(made["cookies"]))
        return self._people

    def redis_server(self) -> str:
        """Return the Redis server of the system. Raises Unfit."""
        return toolchain.system_program("redis-server", "redis-server", self._say)

    def wrk(self) -> str:
        """Return the load generator. Raises Unfit."""
        return toolchain.system_program("wrk", "wrk", self._say)

    def peer_server(self) -> str:
        """Return the server binary that peers run on."""
        if self._peer_store == "redis":
            try:
                return self.redis_server()
            except Unfit as missing:
                self._say(f"{missing}: peers run on the embedded Valkey")
        return find_binary().path

    def _store(self, competitor: Competitor, folder: Path, people: People | None) -> Any:
        if people:
            shutil.copytree(people.data_dir, folder / "data")
        if competitor.masters:
            return cluster_store(find_binary().path, folder / "store", competitor.masters, competitor.durability)
        if competitor.store == "embedded":
            return embedded_store(folder / "data", competitor.durability, may_preload=competitor.may_preload)
        if competitor.store == "redis":
            return plain_store(self.redis_server(), folder / "store", competitor.durability)
        return plain_store(self.peer_server(), folder / "store")

    def _base(self) -> dict[str, str]:
        environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return environ | {"PYTHONPATH": f"{toolchain.ROOT}{os.pathsep}{toolchain.PROGRAMS}"}

    def _environ(self, competitor: Competitor, store: Store, folder: Path) -> dict[str, str]:
        environ = self._base() | {
            "BENCH_STAMPS": str(folder / "stamps"),
            "BENCH_PAYLOAD": json.dumps(PAYLOAD),
            "BENCH_REDIS_URL": store.url,
        }
        if competitor.kind == "node":
            environ["BENCH_NODE"] = str(toolchain.PEERS / "node")
        if not competitor.is_ours:
            return environ | {"PYTHONPATH": str(toolchain.PROGRAMS)} | dict(competitor.variables)
        environ |= _site(folder / "data") | {"IRONFORGE_DURABILITY": competitor.durability}
        if store.url:
            environ["IRONFORGE_REDIS_URL"] = store.url
        return environ | dict(competitor.variables)


def _site(data_dir: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "ironforge_site.settings",
        "IRONFORGE_DATA_DIR": str(data_dir),
        "IRONFORGE_HANDLERS": "ironforge_bench",
    }

"""Who is on stage: a store, a server, three workers, two far away and a receiver, each behind a proxy of its own."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from jobs.backends.redis.connection import connect
from jobs.backends.redis.embedded.binary import find_binary
from tests.journeys.api import Api
from tests.processes.running import ROOT, free_port
from tests.torture import limits, outside
from tests.torture import sabotage as sabotages
from tests.torture.actor import Actor, Life
from tests.torture.duties import clock
from tests.torture.plans import DEFAULT, NAMESPACES, OTHER, QUEUES
from tests.torture.proxy import HOST, Proxies, Proxy
from tests.torture.sabotage import Sabotage
from tests.waiting import until

MANAGE = [sys.executable, str(ROOT / "manage.py")]
LOOK_EVERY_S = 0.05
START_S = 120.0
LEAVE_S = 80.0
GRACE_S = 3
# What each worker is asked for; together they have slots for what hangs, too.
WORKERS = {
    "worker-1": ("--namespace", DEFAULT, "--concurrency", "8"),
    "worker-2": ("--namespace", DEFAULT, "--concurrency", "6", "--processes", "2"),
    "worker-3": ("--namespace", OTHER, "--concurrency", "8"),
}


@dataclass(frozen=True)
class Stage:
    """Where a run takes place and how: `lease_ms`, and the safety that is off."""

    folder: Path
    lease_ms: int
    sabotage: Sabotage | None = None

    @property
    def ledger(self) -> Path:
        """Return where handlers write."""
        return self.folder / "handlers.jsonl"

    @property
    def received(self) -> Path:
        """Return where the receiver writes what it was sent."""
        return self.folder / "received.jsonl"

    @property
    def grown(self) -> Path:
        """Return where steps write which steps they added."""
        return self.folder / "grown.jsonl"

    @property
    def durability(self) -> str:
        """Return the store's policy."""
        return "everysec" if self.sabotage is not None and self.sabotage.name == "durability" else "always"


class Cast:
    """All processes. They run from `__enter__` to `__exit__`; whoever ends is started again."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.keys: dict[str, str] = {}  # namespace → API key of clients
        self.proxies = Proxies()
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="starter")
        self._is_over = threading.Event()
        self._watch = threading.Thread(target=self._look, name="cast", daemon=True)
        self.store_port, self._server_port = free_port(), free_port()
        self.store_dir = stage.folder / "store"
        self.store = self._actor("store", self._store_argv(), self._store_answers, {})
        self._ways = {name: self.proxies.open(name, self.store_port) for name in (*WORKERS, "server")}
        self.http: Proxy = self.proxies.open("http", self._server_port)
        self.server = self._actor("server", self._server_argv(), self._server_answers, self._variables("server"))
        self.workers = {name: self._worker(name, options) for name, options in WORKERS.items()}
        self.remotes = {name: self._remote(name) for name in outside.REMOTES}
        self.receiver = self._receiver()

    @property
    def actors(self) -> dict[str, Actor]:
        """Return everybody by name."""
        inside = {"store": self.store, "server": self.server, **self.workers}
        return inside | self.remotes | {outside.RECEIVER: self.receiver}

    def client(self, name: str, timeout_s: float = 5.0) -> redis.Redis:
        """Return a client of the store that no proxy stands before."""
        made = connect(f"redis://{HOST}:{self.store_port}", name, timeout_s)
        assert isinstance(made, redis.Redis)
        return made

    def clock_of(self, worker: str) -> Path:
        """Return the file that shifts a worker's clock."""
        return self.stage.folder / f"{worker}.clock"

    def _worker(self, name: str, options: tuple[str, ...]) -> Actor:
        clock.set_offset(self.clock_of(name), 0.0)
        argv = [
            *MANAGE,
            "runworker_ironforge",
            "--queues",
            ",".join(QUEUES),
            "--grace",
            str(GRACE_S),
            "--children",
            "2",
            *options,
        ]
        variables = {**self._variables(name), "TORTURE_CLOCK": str(self.clock_of(name))}
        return self._actor(name, argv, _has_started, variables)

    def _remote(self, name: str) -> Actor:
        clock.set_offset(self.clock_of(name), 0.0)
        port = self.proxies.open(name, self._server_port).port
        variables = outside.remote_variables(port, self.stage.lease_ms, GRACE_S, self.stage.folder / "keys.json")
        more = {"TORTURE_LEDGER": str(self.stage.ledger), "TORTURE_CLOCK": str(self.clock_of(name)), **self._growth()}
        return self._actor(name, outside.remote_argv(name), outside.has_registered, variables | more)

    def _receiver(self) -> Actor:
        port, stage = free_port(), self.stage
        self.receiver_url = f"http://{HOST}:{self.proxies.open(outside.RECEIVER, port).port}"
        variables = {
            "TORTURE_LEDGER": str(stage.ledger),
            "TORTURE_RECEIVED": str(stage.received),
            "TORTURE_SECRETS": str(stage.folder / "secrets.json"),
        }
        return self._actor(outside.RECEIVER, outside.receiver_argv(port), outside.listens, variables)

    def _actor(self, name: str, argv: list[str], is_ready: Callable[[Life], bool], variables: dict[str, str]) -> Actor:
        mark = str(self.stage.folder)
        return Actor(name, argv, is_ready, variables=variables, starter=self._starter, mark=mark)

    def _variables(self, name: str) -> dict[str, str]:
        stage = self.stage
        variables = {
            "IRONFORGE_DATA_DIR": str(stage.folder / "data"),
            "IRONFORGE_REDIS_URL": f"redis://{HOST}:{self._ways[name].port}",
            "IRONFORGE_DURABILITY": stage.durability,
            "IRONFORGE_LEASE_MS": str(stage.lease_ms),
            "IRONFORGE_HANDLERS": "tests.torture.duties",
            "IRONFORGE_PUSH_ALLOW": "127.0.0.0/8",
            "DATABASE_URL": "",
            # What a process was at when it died of itself stands in its log.
            "PYTHONFAULTHANDLER": "1",
            "TORTURE_LEDGER": str(stage.ledger),
            **self._growth(),
        }
        if stage.sabotage is not None:
            variables["TORTURE_LUA"] = str(stage.folder / "lua")
        return variables

    def _growth(self) -> dict[str, str]:
        folder = self.stage.folder
        return {
            "TORTURE_API": str(self.http.port),
            "TORTURE_KEYS": str(folder / "keys.json"),
            "TORTURE_GROWN": str(self.stage.grown),
        }

    def _store_argv(self) -> list[str]:
        self.store_dir.mkdir(parents=True)
        return [
            *(find_binary().path, "--port", str(self.store_port), "--bind", HOST, "--dir", str(self.store_dir)),
            *("--appendonly", "yes", "--appendfsync", self.stage.durability, "--save", ""),
            *("--maxmemory-policy", "noeviction", "--shutdown-timeout", "5"),
        ]

    def _server_argv(self) -> list[str]:
        return [*MANAGE, "runserver_ironforge", "--port", str(self._server_port), "--grace", str(GRACE_S)]

    def _store_answers(self, _: Life) -> bool:
        try:
            with self.client("cast", 0.5) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _server_answers(self, _: Life) -> bool:
        asked = http.client.HTTPConnection(HOST, self._server_port, timeout=0.5)
        try:
            asked.request("GET", "/health/live")
            return asked.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()

    def _look(self) -> None:
        while not self._is_over.wait(LOOK_EVERY_S):
            for actor in self.actors.values():
                actor.look()

    def __enter__(self) -> Self:
        if self.stage.sabotage is not None:
            sabotages.make_scripts(self.stage.sabotage, self.stage.folder / "lua")
        try:
            keys = _keys(self._variables("server"))
            self.keys = {ns: each["client"] for ns, each in keys.items()}
            (self.stage.folder / "keys.json").write_text(json.dumps(keys), encoding="utf-8")
            for actor in self.actors.values():
                actor.start()
            self._watch.start()
            until(lambda: all(actor.is_up for actor in self.actors.values()), START_S)
            admins = {ns: each["admin"] for ns, each in keys.items()}
            limits.set_limits(Api(self._server_port), keys)
            outside.bind(Api(self._server_port), admins, self.receiver_url, self.stage.folder / "secrets.json")
        except BaseException:
            self.close()
            raise
        return self

    def leave(self) -> dict[str, int]:
        """Let everybody end in good order, the store last; return the exit codes."""
        self._is_over.set()
        self._watch.join()
        others = [actor for actor in self.actors.values() if actor not in (self.server, self.store)]
        return {actor.name: actor.leave(LEAVE_S) for actor in [*others, self.server, self.store]}

    def close(self) -> None:
        """End what is left by force."""
        self._is_over.set()
        if self._watch.ident is not None:
            self._watch.join()
        for actor in self.actors.values():
            actor.bury()
        self.proxies.close()
        self._starter.shutdown()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _has_started(life: Life) -> bool:
    return any(entry.get("event") == "worker.started" for entry in life.running.everything())


def _keys(variables: dict[str, str]) -> dict[str, dict[str, str]]:
    """Make Django's database, and keys for each namespace by who asks."""
    argv = [sys.executable, "-m", "tests.torture.tenants", *NAMESPACES]
    environment = {**os.environ, **variables, "DJANGO_SETTINGS_MODULE": "ironforge_site.settings"}
    ended = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    keys: dict[str, dict[str, str]] = json.loads(ended.stdout.splitlines()[-1])
    return keys

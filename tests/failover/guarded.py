"""A master, two replicas whose links can fall silent, and three sentinels that guard them, all on loopback."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from tests.backends.servers import HOST, Server
from tests.torture.proxy import DOWN, UP, Proxies
from tests.waiting import until

SERVICE = "jobs"
QUORUM, SENTINELS, REPLICAS = 2, 3, 2
START_S = 60.0
# What the sentinels are asked for once a trial begins. Until then they wait long: a slow machine is no dead master,
# and they would point replicas that speak of a master's proxy at the master itself as soon as this time is over.
DOWN_AFTER_MS, FAILOVER_TIMEOUT_MS, LONG_MS = 1_000, 3_000, 300_000
_STORE = (
    *("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"),
    *("--repl-diskless-sync-delay", "0", "--replica-announce-ip", HOST),
)
_GUARD = f"""\
sentinel monitor {SERVICE} {HOST} {{port}} {QUORUM}
sentinel down-after-milliseconds {SERVICE} {LONG_MS}
sentinel failover-timeout {SERVICE} {LONG_MS}
sentinel announce-ip {HOST}
"""


class Guarded:
    """The servers run from `__enter__` to `__exit__`; clients reach whoever is master at `url`."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self._folder, self._options = folder, options
        self._running = ExitStack()
        self._proxies = Proxies()
        self.replicas: list[Server] = []
        self.sentinels: list[Server] = []

    def __enter__(self) -> Self:
        self._running.callback(self._close_ways)
        try:
            self._start()
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._running.close()

    @property
    def url(self) -> str:
        """Return the address by which clients find the master."""
        hosts = ",".join(f"{HOST}:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    def hold(self, number: int = REPLICAS) -> None:
        """Lose every packet between the master and so many of its replicas; no connection is closed."""
        for name in list(self._proxies.by_name)[:number]:
            self._proxies.by_name[name].hold(UP | DOWN)

    def stop_master(self, how: signal.Signals) -> float:
        """Kill the master or hold it still, for the sentinels to notice; return when (monotonic clock)."""
        stopped_at = time.monotonic()
        self.master.process.send_signal(how)
        # Not before: they would point replicas at the master itself, which would get there what the silence held back.
        self._ask_sentinels("down-after-milliseconds", DOWN_AFTER_MS, "failover-timeout", FAILOVER_TIMEOUT_MS)
        return stopped_at

    def wake_master(self) -> float:
        """Let a master that stood still go on: it believes that it is one until a sentinel tells it. Return when."""
        woken_at = time.monotonic()
        self.master.process.send_signal(signal.SIGCONT)
        return woken_at

    def heir(self) -> Server:
        """Return the replica that the sentinels agreed on, once they did."""
        by_port = {server.port: server for server in self.replicas}
        until(lambda: self._named_master() in by_port, START_S)
        heir = by_port[self._named_master()]
        # One death is enough for a trial.
        self._ask_sentinels("down-after-milliseconds", LONG_MS)
        with heir.client() as client:
            until(lambda: client.info("replication")["role"] == "master", START_S)
        return heir

    def _ask_sentinels(self, *wanted: str | int) -> None:
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                client.execute_command("SENTINEL", "SET", SERVICE, *wanted)

    def _close_ways(self) -> None:
        """End the proxies once the servers at their ends are gone and what they held is dropped."""
        self._proxies.heal()
        until(lambda: not any(way.connections() for way in self._proxies.by_name.values()))
        self._proxies.close()

    def _start(self) -> None:
        self.master = self._server("master")
        for number in range(REPLICAS):
            way = self._proxies.open(f"replication-{number}", self.master.port)
            replica = self._server(f"replica-{number}", "--replicaof", HOST, str(way.port))
            self.replicas.append(replica)
        for replica in self.replicas:
            replica.told("sync: Finished with success")
        for number in range(SENTINELS):
            folder = self._folder / f"sentinel-{number}"
            server = Server(folder, config=_GUARD.format(port=self.master.port))
            self.sentinels.append(self._running.enter_context(server))
            with server.client() as client:
                # So they know each other in a second rather than in ten, and try an address again in half of the time
                # after which they give up on it: else they may take the heir for dead before they have called it once.
                periods = ("info-period", 500, "publish-period", 200, "ping-period", 500)
                client.execute_command("SENTINEL", "DEBUG", *periods)
        until(lambda: all(_knows_all(sentinel) for sentinel in self.sentinels), START_S)

    def _server(self, name: str, *options: str) -> Server:
        return self._running.enter_context(Server(self._folder / name, *_STORE, *self._options, *options))

    def _named_master(self) -> int:
        with self.sentinels[0].client() as client:
            _, port = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
            return int(port)


def _knows_all(sentinel: Server) -> bool:
    with sentinel.client() as client:
        known = _pairs(client.execute_command("SENTINEL", "MASTER", SERVICE))
        replicas = [_pairs(each) for each in client.execute_command("SENTINEL", "REPLICAS", SERVICE)]
    is_fit = [each["master-link-status"] == "ok" and each["flags"] == "slave" for each in replicas]
    return is_fit == [True] * REPLICAS and int(known["num-other-sentinels"]) == SENTINELS - 1


def _pairs(reply: Any) -> dict[str, str]:
    if isinstance(reply, dict):
        return {_text(name): _text(value) for name, value in reply.items()}
    words = [_text(word) for word in reply]
    return dict(zip(words[::2], words[1::2], strict=True))


def _text(word: Any) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)


def replicas_of(client: redis.Redis) -> int:
    """Return how many replicas a master has."""
    return int(client.info("replication")["connected_slaves"])

"""A Cluster of several masters on loopback, each a process of its own, with or without replicas."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.crc import key_slot

from tests.backends.servers import HOST, Server
from tests.waiting import until

SLOTS = 16_384
OPTIONS = (
    "--repl-diskless-sync-delay",
    "0",
    "--cluster-enabled",
    "yes",
    "--cluster-port",
    "{bus_port}",
    "--cluster-announce-ip",
    HOST,
)


class Cluster:
    """Masters that share all slots evenly, then replicas: one of each master, which takes over when that dies, and
    those that are left of the last one, from where they move to a master that has none.
    """

    def __init__(self, folder: Path, *more: str, masters: int = 3, replicas: int = 0) -> None:
        self._stack = ExitStack()
        try:
            self.servers = [self._started(folder / str(each), more) for each in range(masters + replicas)]
            self.masters = self.servers[:masters]
            self._share_out(masters)
            self._replicate(masters)
        except BaseException:
            self._stack.close()
            raise

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"{HOST}:{server.port}" for server in self.servers)

    def owner_of(self, key: str) -> Server:
        """Return the master that had a key's slot at the start."""
        slot, number = key_slot(key.encode()), len(self.masters)
        return next(self.masters[each] for each in range(number) if slot < SLOTS * (each + 1) // number)

    def stop(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _started(self, folder: Path, more: tuple[str, ...]) -> Server:
        timeout = () if "--cluster-node-timeout" in more else ("--cluster-node-timeout", "60000")
        return self._stack.enter_context(Server(folder, *OPTIONS, *timeout, *more))

    def _share_out(self, masters: int) -> None:
        clients = [self._stack.enter_context(server.client()) for server in self.servers]
        for number, client in enumerate(clients):
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
            if number < masters:
                first, last = SLOTS * number // masters, SLOTS * (number + 1) // masters - 1
                client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
        bus_ports = [int(client.config_get("cluster-port")["cluster-port"]) for client in clients]
        # Each is told of each: hearing of one another by and by takes them a second a node.
        for number, client in enumerate(clients):
            for other in range(number):
                client.execute_command("CLUSTER MEET", HOST, self.servers[other].port, bus_ports[other])
        for client in clients:
            until(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")  # noqa: B023
            until(lambda: len(client.execute_command("CLUSTER SLOTS")) == masters)  # noqa: B023
            until(lambda: len(client.execute_command("CLUSTER NODES")) == len(clients))  # noqa: B023

    def _replicate(self, masters: int) -> None:
        for number, server in enumerate(self.servers[masters:]):
            with server.client() as client:
                client.execute_command("CLUSTER REPLICATE", id_of(self.masters[min(number, masters - 1)]))
                until(lambda: client.info("replication").get("master_link_status") == "up")


def id_of(server: Server) -> str:
    """Return a node's name in its Cluster."""
    with server.client() as client:
        name = client.execute_command("CLUSTER MYID")
    return name.decode() if isinstance(name, bytes) else str(name)


def move_slot(slot: int, source: Server, target: Server) -> None:
    """Move a slot and its keys, as an operator's tool does."""
    source_id, target_id = id_of(source), id_of(target)
    with source.client() as giving, target.client() as taking:
        taking.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", source_id)
        giving.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", target_id)
        while keys := giving.execute_command("CLUSTER GETKEYSINSLOT", slot, 100):
            giving.execute_command("MIGRATE", HOST, target.port, "", 0, 60_000, "KEYS", *keys)
        for client in (taking, giving):
            client.execute_command("CLUSTER SETSLOT", slot, "NODE", target_id)


def is_master(client: redis.Redis) -> bool:
    """Tell whether a node serves writes."""
    return bool(client.info("replication")["role"] == "master")

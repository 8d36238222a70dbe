"""A Cluster of masters on loopback, for IronForge with several shards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.cluster import ClusterNode, RedisCluster

from benchmarks.process import free_port, running, wait_until
from benchmarks.store import START_S, Durability, label_of

SLOTS = 16_384


@dataclass(frozen=True, slots=True)
class Masters:
    """Running masters, with a client for all of them."""

    label: str
    url: str
    client: RedisCluster
    nodes: tuple[redis.Redis, ...]

    def each_cpu_us(self) -> list[float]:
        """Return the processor time that each master has used, in microseconds."""
        return [_cpu_us(node) for node in self.nodes]

    def cpu_us(self) -> float:
        """Return that of all."""
        return sum(self.each_cpu_us())

    def used_bytes(self) -> int:
        """Return the memory that the data and its overhead take, of all."""
        return sum(int(node.info("memory")["used_memory"]) for node in self.nodes)


@contextlib.contextmanager
def cluster_store(binary: str, folder: Path, masters: int, durability: Durability) -> Iterator[Masters]:
    """Run masters that share all slots evenly."""
    with contextlib.ExitStack() as stack:
        ports = [free_port() for _ in range(masters)]
        nodes = tuple(stack.enter_context(_master(binary, folder / str(port), port, durability)) for port in ports)
        for number, node in enumerate(nodes):
            first, last = SLOTS * number // masters, SLOTS * (number + 1) // masters - 1
            node.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
            node.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for node, port in zip(nodes[1:], ports[1:], strict=True):
            bus_port = int(node.config_get("cluster-port")["cluster-port"])
            nodes[0].execute_command("CLUSTER MEET", "127.0.0.1", port, bus_port)
        for node in nodes:
            wait_until(lambda: _knows(node, masters), START_S, [], "Cluster")  # noqa: B023
        client = RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", port) for port in ports])
        stack.callback(client.close)
        url = "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)
        yield Masters(f"{label_of(binary)}, {masters} masters, appendfsync {durability}", url, client, nodes)


@contextlib.contextmanager
def _master(binary: str, folder: Path, port: int, durability: Durability) -> Iterator[redis.Redis]:
    folder.mkdir(parents=True)
    argv = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--daemonize", "no"]
    argv += ["--appendonly", "yes", "--appendfsync", durability, "--maxmemory-policy", "noeviction"]
    argv += ["--hash-max-listpack-entries", "64", "--hash-max-listpack-value", "1024"]
    argv += ["--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-announce-ip", "127.0.0.1"]
    with running(argv, {}, folder / "store.log") as started:
        client = redis.Redis(port=port)
        wait_until(lambda: _answers(client), START_S, [started], "answer of a master")
        try:
            yield client
        finally:
            client.close()


def _cpu_us(node: redis.Redis) -> float:
    usage: dict[str, Any] = node.info("cpu")
    return (float(usage["used_cpu_user"]) + float(usage["used_cpu_sys"])) * 1_000_000


def _knows(node: redis.Redis, masters: int) -> bool:
    is_ok = node.execute_command("CLUSTER INFO")["cluster_state"] == "ok"
    return is_ok and len(node.execute_command("CLUSTER SLOTS")) == masters


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False

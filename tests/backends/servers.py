"""Store servers beside the embedded one: of another kind, or with settings that would spoil it for other tests."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from jobs.backends.redis.connection import connect
from jobs.backends.redis.embedded.binary import find_binary
from jobs.conf import conf
from jobs.processes.death_signal import command_line
from tests.processes.running import free_port

START_S = 60.0
HOST = "127.0.0.1"
# Nobody listens there, nor will while a test runs.
UNHEARD_PORT = 1
_PORT_TAKEN = ("Address already in use", "Failed listening")


class PortTaken(Exception):
    """Somebody else was quicker; another port will do."""


class Server:
    """A server process on a loopback port, in a directory of its own, that dies with the test process."""

    def __init__(self, directory: Path, *options: str, config: str | None = None) -> None:
        """Start it with options of the command line, or as a sentinel with a configuration file that it may rewrite."""
        for _ in range(10):
            try:
                self._start(directory, options, config)
            except PortTaken:
                continue
            return
        raise AssertionError("no free port was found")

    def _start(self, directory: Path, options: tuple[str, ...], config: str | None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.port, bus_port = free_port(), free_port()
        given = [option.format(bus_port=bus_port) for option in options]
        setting = conf().store_binary
        argv = [find_binary(str(setting) if setting else None).path]
        if config is not None:
            path = directory / "server.conf"
            path.write_text(config)
            argv += [str(path)]
        argv += ["--port", str(self.port), "--bind", HOST, "--dir", str(directory), *given]
        argv += ["--save", ""] if config is None else ["--sentinel"]
        self._lines: list[str] = []
        self._said = threading.Condition()
        self.process = subprocess.Popen(
            command_line(os.getpid(), {}, argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.told("eady to accept connections", "monitor master")
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    def client(self, name: str = "judge") -> redis.Redis:
        """Return a client for this one server."""
        client = connect(self.url, name, 10.0)
        assert isinstance(client, redis.Redis)
        return client

    def told(self, *texts: str) -> None:
        """Wait until the server has logged one of the texts."""
        until = time.monotonic() + START_S
        with self._said:
            while not any(text in line for line in self._lines for text in texts):
                has_ended = not self._reader.is_alive()
                if has_ended and any(text in line for line in self._lines for text in _PORT_TAKEN):
                    raise PortTaken
                assert not has_ended, "".join(self._lines)
                assert time.monotonic() < until, "".join(self._lines)
                self._said.wait(1.0)

    def listen(self, seconds: float) -> None:
        """Wait until the server says something more, or the time is over."""
        with self._said:
            self._said.wait(seconds)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                with self._said:
                    self._lines.append(line)
                    self._said.notify_all()

    def stop(self) -> None:
        """End it; its data is of no use to anybody."""
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def one_node_cluster(directory: Path) -> Server:
    """Return a Cluster of one node that owns all slots and is ready."""
    server = Server(
        directory,
        *("--cluster-enabled", "yes", "--cluster-port", "{bus_port}", "--cluster-announce-ip", HOST),
        *("--cluster-node-timeout", "60000"),
    )
    with server.client() as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    server.told("Cluster state changed: ok")
    return server

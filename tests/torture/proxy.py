"""Carries the bytes of connections from one port of loopback to another, until it is told to do worse."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
CHUNK = 1 << 16
UP, DOWN = 1, 2  # towards the server, towards the client; 3 is both


class Proxy:
    """One way to a server. Its methods may be called from any thread; what they say counts from the next bytes on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, upstream_port: int) -> None:
        self.name = name
        self.port = 0
        self.delay_s = 0.0
        self.swallowed = 0
        self._loop = loop
        self._upstream_port = upstream_port
        self._open = {UP: asyncio.Event(), DOWN: asyncio.Event()}
        self._writers: set[asyncio.StreamWriter] = set()
        self._half = self._to_swallow = 0
        self._server: asyncio.Server | None = None
        for way in self._open.values():
            way.set()

    async def listen(self) -> None:
        """Begin to take connections."""
        self._server = await asyncio.start_server(self._carry, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Close all connections."""
        self._loop.call_soon_threadsafe(self._cut)

    def hold(self, ways: int) -> None:
        """Hold what is sent these ways, as a network does that loses every packet."""
        for way, gate in self._open.items():
            if ways & way:
                self._loop.call_soon_threadsafe(gate.clear)

    def heal(self, *, cut: bool = False) -> None:
        """Carry everything again: what was held arrives late, or never if its connections are cut."""
        self.delay_s, self._half, self._to_swallow = 0.0, 0, 0
        if cut:
            self.cut()
        for gate in self._open.values():
            self._loop.call_soon_threadsafe(gate.set)

    def halve(self, ways: int) -> None:
        """Carry half of the next message this way, and cut its connection."""
        self._half = ways

    def swallow_reply(self) -> None:
        """Cut a connection in place of the next reply: the request was carried out, and nobody knows."""
        self._to_swallow += 1

    def connections(self) -> int:
        """Return how many connections are open."""
        return len(self._writers) // 2

    async def close(self) -> None:
        """Take no more connections and close those there are."""
        self._cut()
        if self._server is not None:
            self._server.close()

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            server, to_server = await asyncio.open_connection(HOST, self._upstream_port)
        except OSError:
            to_client.transport.abort()
            return
        ends = (to_client, to_server)
        self._writers.update(ends)
        ways = [
            asyncio.create_task(self._pump(UP, client, to_server)),
            asyncio.create_task(self._pump(DOWN, server, to_client)),
        ]
        await asyncio.wait(ways)
        for end in ends:
            end.transport.abort()
        self._writers.difference_update(ends)

    async def _pump(self, way: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._open[way].wait()
                if self._half & way:
                    self._half = 0
                    writer.write(data[: len(data) // 2])
                    break
                if way == DOWN and self._to_swallow:
                    self._to_swallow -= 1
                    self.swallowed += 1
                    break
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        await self._hang_up(writer)

    async def _hang_up(self, writer: asyncio.StreamWriter) -> None:
        """Let what was written go out, and end the connection both ways."""
        try:
            writer.close()
            await writer.wait_closed()
        except OSError:
            pass


class Proxies:
    """All proxies of a run, on an event loop in a thread of their own."""

    def __init__(self) -> None:
        self.by_name: dict[str, Proxy] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def open(self, name: str, upstream_port: int) -> Proxy:
        """Return a new proxy that listens."""
        proxy = self.by_name[name] = Proxy(self._loop, name, upstream_port)
        self._wait(asyncio.run_coroutine_threadsafe(proxy.listen(), self._loop))
        return proxy

    def heal(self) -> None:
        """Let all of them carry everything, over fresh connections."""
        for proxy in self.by_name.values():
            proxy.heal(cut=True)

    def close(self) -> None:
        """End all proxies and the thread."""
        for proxy in self.by_name.values():
            self._wait(asyncio.run_coroutine_threadsafe(proxy.close(), self._loop))
        self._wait(asyncio.run_coroutine_threadsafe(self._settle(), self._loop))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _settle(self) -> None:
        """Wait for the ends of all connections."""
        ours = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not ours]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _wait(self, done: Future[None]) -> None:
        done.result(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

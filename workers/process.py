"""One worker process: its loops put together, from the first claim to the farewell."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import time
from contextlib import suppress
from functools import partial

from jobs import __version__, wiring
from jobs.conf import conf
from jobs.domain.errors import BackendUnavailable
from jobs.domain.queue import WorkerRecord
from jobs.domain.stop_request import StopRequests
from jobs.domain.worker import WorkerOrder
from jobs.telemetry import tracing
from jobs.telemetry.logs import get_logger, log_event
from workers.bound_kinds import BoundKinds
from workers.child_pool import MakeChildren
from workers.consumers import Consumers
from workers.faults import Faults
from workers.heartbeat import Heartbeat, News
from workers.lease_table import LeaseTable
from workers.life_time import LifeTime
from workers.loop_thread import LEAST_STALL_S, LoopThread, Rebuild, Step
from workers.options import WorkerOptions
from workers.place import ALONE, Place
from workers.pool import Pool
from workers.progress import Progress
from workers.registry import Registry
from workers.reporter import IDLE_S, Reporter
from workers.service import Base, service_of
from workers.standing import Standing, inherited_order
from workers.store_link import StoreLink, StoreWatch

TARGET = "worker"
# How often the loop looks whether a lease can still be trusted; a part of the margin that the trust limit keeps.
WATCH_S = 0.1
# After the grace period: how long outcomes and released jobs may take to reach the store.
FLUSH_S = 5.0


class WorkerProcess:
    """Runs jobs of one namespace, or of several in turn, until it is asked to stop."""

    def __init__(
        self,
        options: WorkerOptions,
        registry: Registry,
        logger: logging.Logger | None = None,
        *,
        place: Place = ALONE,
        make_children: MakeChildren | None = None,
    ) -> None:
        """`make_children` is given where handlers run in child processes."""
        self.failure = ""  # why it ended, where whoever started it is to know
        self.id = worker_id(os.getpid(), place.mark or secrets.token_hex(4))
        self._options, self._registry, self._logger = options, registry, logger or get_logger(TARGET)
        self._watch = StoreWatch(self._logger, wiring.backend().shards)
        self._loop = asyncio.new_event_loop()
        self._stop, self._hurry = asyncio.Event(), asyncio.Event()
        self._requests = StopRequests()
        self._leases, self._faults = LeaseTable(conf().lease_ms), Faults(self._logger)
        self._service = service_of(self._base())
        self._lanes, consumers, link = self._service.lanes, Consumers(), self._thread_link("reports")
        self._reporter = Reporter(consumers, link, self._logger, self._start_reports)
        self._pool = self._new_pool(make_children)
        self._place = place
        self._life_time = LifeTime(options, self._lanes, self._pool, place, self._logger)
        beat_link = self._thread_link("heartbeat")
        self._heartbeat = Heartbeat(
            consumers,
            beat_link,
            self._leases,
            self._record(),
            self._faults,
            namespaces=self._service.names,
            tell=self._hear,
            on_order=self._hear_order,
        )
        self._beats = self._thread("heartbeat", self._heartbeat.beat, beat_link.close, conf().lease_ms / 3000)
        tell, leave = self._beats.hurry, self._leave_for_good
        self._standing = Standing(self._lanes, self._heartbeat, self._logger, leave, tell=tell, place=place)
        self._threads: tuple[LoopThread, ...] = (self._beats, *self._service.threads)

    def run(self, *, has_signals: bool = True) -> bool:
        """Work until SIGTERM or SIGINT, or until the parent is gone.

        Return False when handlers in threads ignored the end: only leaving the process ends them.
        """
        tracing.tracer()  # not while the first job waits
        if has_signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._loop.add_signal_handler(number, self._signalled)
            self._loop.add_signal_handler(signal.SIGTSTP, self._standing.quiet)
            self._loop.add_signal_handler(signal.SIGCONT, self._standing.resume)
        if self._place.lifeline is not None:
            self._loop.add_reader(self._place.lifeline, self._orphaned, self._place.lifeline)
        self._heartbeat.inherit(inherited_order(self._place, self._options.namespace, self.id))
        self._loop.call_soon(self._standing.begin)
        self._loop.run_until_complete(self._work())
        is_clean = self._pool.occupied() == 0
        tracing.stop()
        if is_clean:
            self._loop.close()
        return is_clean

    def ask_to_stop(self) -> None:
        """Drain; asked again, release at once what still runs. For the event loop's own callers."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def ask_to_stop_from_outside(self) -> None:
        """Ask to stop from another thread."""
        self._loop.call_soon_threadsafe(self.ask_to_stop)

    def last_ok(self) -> dict[str, float]:
        """Return when each loop last made progress (monotonic s)."""
        loops = {thread.name: thread.last_ok for thread in self._threads}
        return loops | self._lanes.last_ok()

    def progress(self) -> Progress:
        """Return how far it is; for any thread."""
        completed, failed = self._lanes.counts()
        return Progress(self._heartbeat.status, self._pool.occupied(), completed, failed, self._lanes.is_away)

    async def _work(self) -> None:
        for thread in self._threads:
            thread.start()
        self._pool.open()
        exchange = asyncio.create_task(self._service.run(self._pool, self._stop))
        watch = asyncio.create_task(self._watch_over())
        await self._stop.wait()
        log_event(self._logger, "worker.stopping", worker_id=self.id, running=self._pool.unsettled())
        self._heartbeat.status = "draining"
        self._beats.hurry()
        self._pool.drain()
        self._lanes.stop()
        await self._drain(exchange)
        watch.cancel()
        await self._leave(exchange)

    async def _drain(self, exchange: asyncio.Task[None]) -> None:
        """Wait for the running attempts, for the grace period or until asked to hurry; then give the rest back."""
        if self._lanes.is_away and self._lanes.owes_nothing(self._pool):
            return  # the exchange pauses between two tries: there is nothing to wait for
        hurry = asyncio.create_task(self._hurry.wait())
        grace_s = self._options.grace_s
        await asyncio.wait({exchange, hurry}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        self._pool.release_all()
        await asyncio.wait({exchange}, timeout=FLUSH_S)

    async def _leave(self, exchange: asyncio.Task[None]) -> None:
        for thread in self._threads:
            thread.stop()
        # A heartbeat after the farewell would bring the worker back to life.
        await asyncio.to_thread(self._beats.join, 2.5)
        unsaid = len(self._lanes)
        exchange.cancel()
        await asyncio.wait({exchange})
        # A store that is away would only hold the exit up: it forgets a silent worker by itself.
        if not self._lanes.is_away:
            with suppress(BackendUnavailable):
                await asyncio.to_thread(self._heartbeat.say_farewell)
        self._beats.rebuild()
        self._lanes.close()
        self._pool.close()
        log_event(self._logger, "worker.stopped", worker_id=self.id, unsettled=unsaid or None)

    async def _watch_over(self) -> None:
        """Stop attempts whose lease can no longer be trusted, and rebuild loops that make no progress."""
        told: set[str] = set()
        while True:
            await asyncio.sleep(WATCH_S)
            for held in self._leases.untrusted():
                self._pool.lose(held, "trust_limit")
            if not self._stop.is_set() and self._life_time.is_over(self.id):
                self.failure = self.failure or self._life_time.failure
                self.ask_to_stop()
            for thread in self._threads:
                if not thread.is_stalled() or not self._watch.is_settled(LEAST_STALL_S):
                    told.discard(thread.name)
                elif thread.name not in told:
                    told.add(thread.name)
                    log_event(self._logger, "loop.stalled", level=logging.WARNING, loop=thread.name)
                    thread.rebuild()

    def _leave_for_good(self) -> None:
        """Stop because somebody said so through the store: nobody is to take this place."""
        self._place.leave(False)
        self.ask_to_stop()

    def _cannot_fork(self) -> None:
        """End, and say so by the exit status: whoever starts this process again makes all new."""
        self.failure = "The process that forks the children of this worker has ended; start the worker again."
        self.ask_to_stop()

    def _hear(self, news: News) -> None:
        """Take the heartbeat's news over to the event loop; called in its thread."""
        self._loop.call_soon_threadsafe(self._act_on, news)

    def _act_on(self, news: News) -> None:
        for held in news.lost:
            self._pool.lose(held, "heartbeat")
        for held in news.cancelled:
            self._pool.cancel(held)

    def _hear_order(self, namespace: str, order: WorkerOrder) -> None:
        """Take an order over to the event loop; called in the heartbeat's thread."""
        if not self._service.takes_order(namespace, order):
            self._loop.call_soon_threadsafe(self._standing.obey, order)

    def _start_reports(self) -> None:
        """Begin to tell what attempts say; called by the first that says something, in its thread."""
        thread = self._thread("reports", self._reporter.step, self._reporter.close, IDLE_S)
        self._threads = (*self._threads, thread)
        thread.start()

    def _signalled(self) -> None:
        if self._requests.note(time.monotonic()):
            self.ask_to_stop()

    def _orphaned(self, lifeline: int) -> None:
        self._loop.remove_reader(lifeline)
        self.ask_to_stop()

    def _ready(self) -> None:
        self._beats.hurry()  # of several namespaces none was known before
        log_event(
            self._logger,
            "worker.started",
            worker_id=self.id,
            namespace=self._options.served,
            queues=",".join(self._options.queues),
            concurrency=self._options.concurrency,
            kinds=len(self._registry.kinds()),
            pid=os.getpid(),
        )

    def _record(self) -> WorkerRecord:
        return WorkerRecord(
            id=self.id,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            app_version=conf().app_version,
            queues=self._options.queues,
            kinds=self._registry.kinds(),
            concurrency=self._options.concurrency,
            busy=0,
            started_at=int(time.time() * 1000),
        )

    def _new_pool(self, make_children: MakeChildren | None) -> Pool:
        return Pool(
            BoundKinds(self._registry),
            self._leases,
            self._lanes.outbox,
            self._options.concurrency,
            logger=self._logger,
            on_room=self._lanes.notify_room,
            reports=self._reporter,
            children=make_children and make_children(self._logger, self._reporter, self._cannot_fork),
        )

    def _base(self) -> Base:
        return Base(
            self._options,
            self._registry,
            self.id,
            self._leases,
            self._watch,
            self._logger,
            self._loop,
            self._thread_link,
            self._ready,
            self._faults,
        )

    def _thread_link(self, name: str) -> StoreLink:
        return StoreLink(partial(wiring.new_runner, name), self._watch)

    def _thread(self, name: str, step: Step, rebuild: Rebuild, interval_s: float) -> LoopThread:
        return LoopThread(name, step, rebuild, interval_s=interval_s, logger=self._logger)


def worker_id(pid: int, mark: str) -> str:
    """Return a name for one life of one process: never used again, for the store remembers claims by it."""
    host = "".join(
        letter for letter in socket.gethostname() if letter.isascii() and (letter.isalnum() or letter in "-.")
    )
    return f"{host.lstrip('-.')[:64] or 'worker'}-{pid}-{mark}"

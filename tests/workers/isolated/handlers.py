"""The kinds `iso.*`."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from django.db import connection

from jobs.integrations.queue import enqueue
from tests.workers.isolated import patient  # noqa: F401 (it registers handlers)
from workers import Cancelled, Context, Discard, Retry, Snooze, handler, middleware

MIB = 1_048_576


_around: ContextVar[str] = ContextVar("around", default="")


@middleware
@contextmanager
def around(context: Context, payload: object) -> Iterator[None]:
    """Stand around every handler."""
    token = _around.set(context.kind)
    yield
    _around.reset(token)


def isolated(kind: str) -> Any:
    """Register a handler that runs in a child."""
    return handler(f"iso.{kind}", isolation="process")


@isolated("pid")
def pid(context: Context, payload: object) -> int:
    """Return the id of the process."""
    return os.getpid()


@isolated("echo")
def echo(context: Context, payload: object) -> object:
    """Return the payload."""
    return payload


@isolated("async")
async def on_a_loop(context: Context, payload: Any) -> int:
    """Wait for so many seconds on a loop, and return the id of the process."""
    await asyncio.sleep(payload)
    return os.getpid()


@isolated("verdict")
def verdict(context: Context, payload: Any) -> None:
    """Raise what is asked for."""
    made: dict[str, BaseException] = {
        "retry": Retry(3600, "not yet"),
        "snooze": Snooze(3600),
        "discard": Discard("no use"),
        "error": ValueError("wrong"),
        "exit": SystemExit(3),
    }
    raise made[payload]


@isolated("kill")
def kill(context: Context, payload: Any) -> None:
    """End the process by a signal, as the kernel does when memory runs out; a negative number is an exit status."""
    if payload < 0:
        os._exit(-payload)
    os.kill(os.getpid(), payload)
    time.sleep(60)


@isolated("pill")
def pill(context: Context, payload: Any) -> None:
    """Write down that it was started, and kill the process."""
    with Path(payload).open("a") as starts:
        starts.write("x")
    os.kill(os.getpid(), signal.SIGKILL)


@isolated("gorge")
def gorge(context: Context, payload: Any) -> None:
    """Use memory up to a limit, and abort there as many a library in C does."""
    resource.setrlimit(resource.RLIMIT_AS, (2048 * MIB, 2048 * MIB))
    held = []
    try:
        while len(held) < 200:
            held.append(os.urandom(MIB))
        held.append(bytes(2048 * MIB))
    except MemoryError:
        os.abort()


@isolated("spin")
def spin(context: Context, payload: Any) -> None:
    """Never end, and never look."""
    Path(payload).touch()
    while True:
        pass


@isolated("native")
def native(context: Context, payload: Any) -> int:
    """Never come back from C."""
    Path(payload).touch()
    return sum(range(10**14))


@isolated("deaf")
def deaf(context: Context, payload: Any) -> None:
    """Block every signal that can be blocked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    Path(payload).touch()
    while True:
        time.sleep(1)


@isolated("stubborn")
def stubborn(context: Context, payload: Any) -> None:
    """Go on whatever is raised."""
    Path(payload).touch()
    while True:
        with suppress(BaseException):
            time.sleep(60)


@isolated("async.spin")
async def spin_on_a_loop(context: Context, payload: Any) -> None:
    """Block the loop."""
    Path(payload).touch()
    while True:
        pass


@isolated("polite")
def polite(context: Context, payload: Any) -> str:
    """End when it is asked to, by word."""
    Path(payload).touch()
    while not context.is_cancelled:
        time.sleep(0.01)
    return "ended by itself"


@isolated("tidy")
def tidy(context: Context, payload: Any) -> None:
    """Clean up when it is interrupted."""
    mark = Path(payload)
    mark.touch()
    try:
        time.sleep(60)
    except Cancelled:
        mark.write_text(f"cleaned up, {context.is_cancelled}")
        raise


@isolated("async.tidy")
async def tidy_on_a_loop(context: Context, payload: Any) -> None:
    """Clean up when it is cancelled."""
    mark = Path(payload)
    mark.touch()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        mark.write_text(f"cleaned up, {context.is_cancelled}")
        raise


@isolated("offspring")
def offspring(context: Context, payload: Any) -> None:
    """Start a program that would outlive everything, and wait for it."""
    started = subprocess.Popen(["/bin/sleep", "300"])
    Path(payload).write_text(f"{os.getpid()} {started.pid}")
    started.wait()


@isolated("escapes")
@isolated("escapes.deaf")
def escapes(context: Context, payload: Any) -> None:
    """Start a program in a session of its own, and wait for it."""
    if context.kind.endswith("deaf"):
        signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    started = subprocess.Popen(["/bin/sleep", "300"], start_new_session=True)
    Path(payload).write_text(str(started.pid))
    started.wait()


def _square(number: int) -> int:
    return number * number


@isolated("multi")
def multi(context: Context, payload: Any) -> list[int]:
    """Use a pool of forked processes as its manual shows, which ends them by SIGTERM."""
    with multiprocessing.get_context("fork").Pool(2) as workers:
        return workers.map(_square, payload)


@isolated("ends.own")
def ends_own(context: Context, payload: Any) -> list[int | None]:
    """End by signals what was forked, in the way of `multiprocessing`, and what was executed; return the exit codes."""
    forked = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    forked.start()
    forked.terminate()
    forked.join(50)
    ends: list[int | None] = [forked.exitcode]
    for number in (signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen(["/bin/sleep", "60"]) as program:
            program.send_signal(number)
            ends.append(program.wait(50))
    return ends


@isolated("odd.text")
def odd_text(context: Context, payload: Any) -> str:
    """Say how far it is in the name of a file that is no UTF-8."""
    context.progress(0.5, "caf\udce9" + "x" * 10_000)
    return "ended"


@isolated("forks")
def forks(context: Context, payload: Any) -> str:
    """Fork, and let both return."""
    return "parent" if os.fork() else "copy"


@isolated("prints")
def prints(context: Context, payload: Any) -> None:
    """Write to both outputs and to the log."""
    print("printed", flush=False)
    context.log.info("logged by %s", os.getpid())


@isolated("says")
def says(context: Context, payload: Any) -> object:
    """Say all that can be said and die of it; the second attempt returns where the first one left off."""
    if context.last_checkpoint is not None:
        return context.last_checkpoint
    context.progress(0.4, "on the way")
    for number in range(payload):
        context.log(f"line {number} \udcff")
    context.checkpoint({"at": payload})
    os.kill(os.getpid(), signal.SIGKILL)
    return None


@isolated("chatty")
def chatty(context: Context, payload: Any) -> None:
    """Say so much that an interruption comes in the middle of it."""
    Path(payload).touch()
    while True:
        context.progress(0.5, "x" * 200)


@isolated("parent")
def parent(context: Context, payload: Any) -> list[str]:
    """Enqueue another job; return its id and what stands around this handler."""
    return [enqueue("iso.echo", payload, namespace=context.namespace), _around.get()]


@isolated("database")
def database(context: Context, payload: Any) -> list[object]:
    """Ask Django's database; return the process and what answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return [os.getpid(), cursor.fetchone()[0]]


@isolated("signals")
def signals(context: Context, payload: Any) -> int:
    """Send the present process SIGTERM and SIGINT, as an init system and a terminal may; they are not its worker's."""
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.05)
    return 1


@isolated("fat")
def fat(context: Context, payload: Any) -> int:
    """Keep so many MiB."""
    globals()["kept"] = os.urandom(payload * MIB)
    return os.getpid()


@handler("iso.thread")
def in_a_thread(context: Context, payload: Any) -> int:
    """Run beside all that, in a thread of the worker; return its process."""
    return os.getpid()

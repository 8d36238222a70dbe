"""What tests of whole workers share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from jobs import wiring
from tests.workers.test_worker import SleepyChannel, SleepyRunner
from workers import Context, Discard, Snooze, handler
from workers.registry import Registry


@pytest.fixture(autouse=True)
def _patient(patient_calls: None) -> None:
    """Take a store that is slow for one that is away nowhere here: tests of that put a wrapper before it."""


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what was claimed be started however late: a machine that stands still then would have it given back."""
    monkeypatch.setattr("workers.pool.MAX_HOLD_S", 60.0)


@pytest.fixture
def registry() -> Registry:
    """Return handlers of the test's own."""
    made = Registry()

    @handler("echo", into=made)
    async def echo(context: Context, payload: object) -> object:
        return payload

    @handler("thread", into=made)
    def thread(context: Context, payload: object) -> str:
        return threading.current_thread().name

    @handler("discard", into=made)
    async def discard(context: Context, payload: object) -> None:
        raise Discard("no use")

    @handler("snooze", into=made)
    async def snooze(context: Context, payload: object) -> None:
        raise Snooze(3600)

    @handler("endless", into=made)
    async def endless(context: Context, payload: object) -> None:
        await asyncio.Event().wait()

    return made


@pytest.fixture
def sleepy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the wrapper between the workers of a test and the store."""
    connect = wiring.new_runner
    monkeypatch.setattr(wiring, "new_runner", lambda name: SleepyRunner(connect(name)))
    connect_channel = wiring.channel
    monkeypatch.setattr(wiring, "channel", lambda *names: SleepyChannel(connect_channel(*names)))
    yield
    SleepyRunner.is_asleep.clear()
    SleepyRunner.lost_replies.clear()

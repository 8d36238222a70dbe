"""A parent of worker processes while the system has no room for another, and those whom it forks beside them."""

from __future__ import annotations

import errno
import gc
import os
import select
import signal

import pytest

from workers import undertaker
from workers.prefork import MAX_RESTART_PAUSE_S, Prefork
from workers.undertaker import Death, bury

DEATH = Death(1, 1, 1)


def no_room() -> int:
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def test_a_parent_that_cannot_fork_waits_longer_each_time_and_ends_when_it_is_asked_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = 0

    def fork() -> int:
        nonlocal tries
        tries += 1
        if tries == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return no_room()

    monkeypatch.setattr(os, "fork", fork)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)}
    parent = Prefork(lambda *_: None, 1, 1.0)
    try:
        assert parent.run() == 0
    finally:
        gc.unfreeze()
        parent._leave()
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
    (slot,) = parent._slots
    assert (tries, slot.deaths, slot.pid) == (3, 3, None)
    assert 0.2 * 2 ** (slot.deaths - 1) < MAX_RESTART_PAUSE_S


def test_a_death_that_nobody_can_be_forked_for_is_told_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", no_room)
    bury(DEATH, ("n1",), "w1")


def test_an_undertaker_does_not_keep_the_lifeline_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, done = os.pipe(), os.pipe()

    def release(*_: object) -> None:
        os.write(at_work[1], b"x")
        os.read(done[0], 1)

    monkeypatch.setattr(undertaker, "_release", release)
    parent = Prefork(lambda *_: None, 1, 1.0)
    bury(DEATH, ("n1",), "w1", parent._leave)
    assert os.read(at_work[0], 1) == b"x"
    os.close(parent._held_end)
    parent._held_end = os.dup(parent._lifeline)
    try:
        # As when the parent dies: a child that waits for that learns it while the undertaker still works.
        readable, _, _ = select.select([parent._lifeline], [], [], 60.0)
        assert readable
    finally:
        os.write(done[1], b"x")
        os.wait()
        parent._leave()
        for fd in (*at_work, *done):
            os.close(fd)

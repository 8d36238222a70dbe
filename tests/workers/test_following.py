"""A parent that serves several namespaces: children for those that come, an orderly end for those that go."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from jobs import wiring
from workers.following import LOOK_EVERY_S, Following
from workers.options import BadOption, parse_options
from workers.place import Place
from workers.prefork import Prefork


@pytest.fixture
def _signals() -> Iterator[None]:
    """Put back what a parent has changed of this process."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGTSTP, signal.SIGCONT)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    gc.unfreeze()
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
def test_children_come_and_go_with_their_namespaces() -> None:
    said, saying = os.pipe()

    def main(place: Place) -> None:
        stopped = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        os.write(saying, f"+{place.namespace} ".encode())
        while not stopped.wait(0.01):
            pass
        os.write(saying, f"-{place.namespace} ".encode())

    heard: list[str] = []

    def follow() -> frozenset[str] | None:
        os.set_blocking(said, False)
        with suppress(BlockingIOError):
            heard.extend(os.read(said, 999).decode().split())
        if "-a" in heard and heard.count("+b") == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return frozenset("b") if heard.count("+a") == 2 else frozenset("a")

    parent = Prefork(main, 2, 5.0, namespaces=follow)
    assert parent.run() == 0
    parent._leave()
    os.set_blocking(said, True)
    os.close(saying)
    rest = os.read(said, 999).decode().split()
    os.close(said)
    assert sorted(heard + rest) == ["+a", "+a", "+b", "+b", "-a", "-a", "-b", "-b"]


@pytest.mark.usefixtures("_store_server")
def test_what_servers_told_is_looked_at_now_and_then() -> None:
    now = [0.0]
    following = Following(lambda: now[0])
    wiring.tell_namespaces(["shop", "crm"])
    try:
        assert following() == {"default", "shop", "crm"}
        wiring.tell_namespaces(["shop"])
        assert following() is None
        now[0] += LOOK_EVERY_S
        assert following() == {"default", "shop"}
    finally:
        wiring.tell_namespaces([])


@pytest.mark.parametrize("text", ["", ",", "No", "a,No", "a,all", "all,a", "a b"])
def test_what_names_no_namespaces_is_refused(text: str) -> None:
    with pytest.raises(BadOption, match="--namespace"):
        parse_options(text, "main", 1, 1, 1)


def test_namespaces_are_one_several_or_all() -> None:
    assert parse_options("b, a,b", "main", 1, 1, 1).namespaces == ("b", "a")
    assert parse_options("a", "main", 1, 1, 1).namespace == "a"
    everything = parse_options("all", "main", 1, 1, 1)
    assert (everything.is_all, everything.namespaces) == (True, ())
    with pytest.raises(BadOption, match="--burst"):
        parse_options("all", "main", 1, 1, 1, is_burst=True)

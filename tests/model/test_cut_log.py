"""The store's log of writes ends anywhere, as after a loss of power: all that was acknowledged is there, no more."""

from __future__ import annotations

import random
import shutil
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.backends.redis.embedded.server import EmbeddedStore
from jobs.domain.status import Status
from tests.model.traffic import HOUR_MS, Traffic
from tests.stores import Bench, random_namespace

CALLS = 400
CUTS = 30
STRIDE_BYTES = 97
# Of the long form, which processes share.
PARTS = 8
SEED = 20_261
LOG = "appendonlydir"

Contents = dict[str, object]
READS: dict[bytes, Callable[[Any, bytes], object]] = {
    b"string": lambda client, name: client.get(name),
    b"hash": lambda client, name: client.hgetall(name),
    b"zset": lambda client, name: client.zrange(name, 0, -1, withscores=True),
    b"list": lambda client, name: client.lrange(name, 0, -1),
    b"stream": lambda client, name: client.xrange(name),
}


class Recording:
    """A store that took some hundred calls: how long its log was after each, and what it held then."""

    def __init__(self, directory: Path, calls: int) -> None:
        self.namespace = random_namespace()
        self.directory = directory
        self.sizes: list[int] = []
        self.contents: list[Contents] = []
        store = EmbeddedStore(directory, log=lambda *_: None)
        store.start()
        try:
            with Bench(namespace=self.namespace, url=EmbeddedStore.locate(directory).url) as bench:
                self._fill(bench, calls)
                self.logs = self._kept()
        finally:
            store.stop()

    def _fill(self, bench: Bench, calls: int) -> None:
        traffic = Traffic(bench, SEED)
        bench.submit()
        for _ in range(calls):
            traffic.go_on()
            # The store answers when the call is in its log, and this is its only client.
            size = self._growing().stat().st_size
            if not self.sizes or size > self.sizes[-1]:
                self.sizes.append(size)
                self.contents.append(lasting(bench))

    def _growing(self) -> Path:
        (found,) = (self.directory / LOG).glob("*.incr.aof")
        return found

    def _kept(self) -> Path:
        """Return a copy of the log as it is now, before the test tidies up."""
        kept = self.directory.with_name("kept")
        shutil.copytree(self.directory / LOG, kept)
        return kept

    def cut(self, size: int, directory: Path) -> None:
        """Make a data directory whose log ends after `size` bytes."""
        directory.mkdir(mode=0o700)
        shutil.copytree(self.logs, directory / LOG)
        with (directory / LOG / self._growing().name).open("r+b") as log:
            log.truncate(size)

    def acknowledged(self, size: int) -> Contents:
        """Return what the store held after the last call whose writes end within `size` bytes."""
        return self.contents[bisect_right(self.sizes, size) - 1]


def lasting(bench: Bench) -> Contents:
    """Return what the namespace holds, in three round trips and without what the store forgets within minutes."""
    client = bench.client
    names = sorted(client.scan_iter(f"ironforge:{{{bench.namespace}/*", count=1_000))
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.type(name).pttl(name)
        facts = pipeline.execute()
        found = zip(names, facts[::2], facts[1::2], strict=True)
        lasts = [(name, kind) for name, kind, ttl in found if not 0 <= ttl < HOUR_MS]
        for name, kind in lasts:
            READS[kind](pipeline, name)
        return {name.decode(): held for (name, _), held in zip(lasts, pipeline.execute(), strict=True)}


def judge(recording: Recording, size: int, directory: Path) -> None:
    """Fail unless a store that boots from the first `size` bytes of the log holds just what was acknowledged."""
    recording.cut(size, directory)
    store = EmbeddedStore(directory, log=lambda *_: None)
    try:
        store.start()
        with Bench(namespace=recording.namespace, url=EmbeddedStore.locate(directory).url) as bench:
            assert lasting(bench) == recording.acknowledged(size), size
            bench.check()
            job_id = bench.submit(queue="new")
            assert bench.lease(queues=("new",), worker="w2").job.id == job_id
            assert bench.get(job_id).status is Status.RUNNING
    finally:
        store.stop()
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """Return the one recording."""
    directory = tmp_path_factory.mktemp("recording") / "data"
    return Recording(directory, CALLS)


def judge_all(recording: Recording, sizes: Iterable[int], directory: Path) -> int:
    """Cut at each size; return how many there were."""
    number = 0
    for number, size in enumerate(sizes, 1):
        judge(recording, size, directory / str(number))
    return number


def test_a_log_that_ends_anywhere_holds_all_that_was_acknowledged(recording: Recording, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    sizes = [chance.randint(recording.sizes[0], recording.sizes[-1]) for _ in range(CUTS - 1)]
    assert judge_all(recording, [*sizes, recording.sizes[-1]], tmp_path) == CUTS


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_log_that_ends_at_every_97th_byte_holds_all_that_was_acknowledged(
    recording: Recording, tmp_path: Path, part: int
) -> None:
    sizes = range(recording.sizes[0] + part * STRIDE_BYTES, recording.sizes[-1], PARTS * STRIDE_BYTES)
    assert judge_all(recording, sizes, tmp_path) == len(sizes)

"""Schedules that tick each second while everything breaks, and processes beside the server that make them fire.

These have a little chaos of their own: each is killed, or sleeps for longer than a tick, again and again.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading

import redis

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.backends.redis.spec import decode_spec
from jobs.domain.validation import parse_instant
from tests.journeys.api import Api
from tests.processes.running import ROOT
from tests.torture.cast import START_S, Cast
from tests.torture.plans import NAMESPACES
from tests.torture.probes import PROBE
from tests.torture.proxy import HOST
from tests.torture.ticked import Ticked
from tests.waiting import until

NAME, EVERY_MS = "tick", 1000
# Beside the server: five who tick, in runs long enough for so many to start again and again.
FEW, MANY, MANY_FROM_S = 2, 4, 120
GAPS_S, SLEEP_S = (0.5, 2.5), (0.2, 2.5)


class Ticks:
    """The schedules of both namespaces."""

    def __init__(self, cast: Cast, seed: int, seconds: float) -> None:
        self._cast = cast
        self._api = Api(cast.http.port)
        self._chance = random.Random(seed)
        self._number = MANY if seconds >= MANY_FROM_S else FEW
        self._is_over = threading.Event()
        self._tickers: list[subprocess.Popen[bytes]] = []
        self._chaos = threading.Thread(target=self._trouble, name="ticks", daemon=True)
        self.schedules: dict[str, Ticked] = {}

    def begin(self) -> None:
        """Make the schedules, and start who fires them."""
        for ns in NAMESPACES:
            payload = {"cid": PROBE, "ms": 0}
            body = {"every_ms": EVERY_MS, "catch_up": "all", "catch_up_limit": 180, "kind": "torture.quick",
                    "payload": payload, "queue": "side"}  # fmt: skip
            made = self._ask(ns, "PUT", f"/schedules/{NAME}", body)
            first_ms = parse_instant(str(made["next_fire_at"]))
            assert first_ms is not None
            self.schedules[ns] = Ticked(str(made["id"]), first_ms)
        self._tickers = [self._ticker() for _ in range(self._number)]
        self._chaos.start()

    def end(self, healed_ms: float) -> None:
        """Let the instants up to the heal be decided, then nothing fire any more."""
        self._is_over.set()
        self._chaos.join()
        until(lambda: all(self._mark(ns) >= healed_ms for ns in self.schedules), START_S)
        for ns in self.schedules:
            self._ask(ns, "POST", f"/schedules/{NAME}/pause", {})
        for ticker in self._tickers:
            ticker.kill()
            ticker.wait()

    def read(self, client: redis.Redis) -> dict[str, Ticked]:
        """Return the schedules with the instants whose jobs the store holds."""
        for ns, ticked in self.schedules.items():
            ticked.mark_ms = self._mark(ns)
            for key in client.scan_iter(f"{Keys(ns).named('job_prefix')}*", count=1000):
                made_by = decode_spec(client.hget(key, "spec") or b"").schedule
                if made_by is not None and made_by[0] == ticked.schedule_id:
                    ticked.fired[made_by[1]] += 1
        return self.schedules

    def _mark(self, ns: str) -> int:
        try:
            with self._cast.client("ticks", 2.0) as client:
                state = SyncRunner(client).run(RedisBackend().schedules(ns).state(self.schedules[ns].schedule_id))
        except redis.RedisError:
            return 0
        return state.mark_ms or 0

    def _ask(self, ns: str, method: str, path: str, body: object) -> dict[str, object]:
        answers: list[dict[str, object]] = []

        def is_done() -> bool:
            answer = self._api.ask(method, path, body, authorization=f"Bearer {self._cast.keys[ns]}")
            if answer.status in (200, 201):
                answers.append(answer.body)
            return bool(answers)

        until(is_done, START_S)
        return answers[0]

    def _ticker(self) -> subprocess.Popen[bytes]:
        url = f"redis://{HOST}:{self._cast.store_port}"
        variables = self._cast._variables("server") | {"IRONFORGE_REDIS_URL": url, "PYTHONPATH": str(ROOT)}
        settings = {"DJANGO_SETTINGS_MODULE": "ironforge_site.settings", "IRONFORGE_ROLE": "server"}
        with (self._cast.stage.folder / "tickers.log").open("ab") as log:
            argv = [sys.executable, "-m", "tests.torture.ticker"]
            return subprocess.Popen(argv, env={**os.environ, **variables, **settings}, stderr=log, stdout=log, cwd=ROOT)

    def _trouble(self) -> None:
        while not self._is_over.wait(self._chance.uniform(*GAPS_S)):
            place = self._chance.randrange(self._number)
            ticker = self._tickers[place]
            if self._chance.random() < 0.3:
                ticker.kill()
                ticker.wait()
                self._tickers[place] = self._ticker()
            else:
                ticker.send_signal(signal.SIGSTOP)
                self._is_over.wait(self._chance.uniform(*SLEEP_S))
                ticker.send_signal(signal.SIGCONT)

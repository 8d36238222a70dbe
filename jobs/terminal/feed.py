"""Readings and deeds in a thread of their own: a store that is slow or away never holds a key or a frame up."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from django.db import connection

from jobs.access.actor import Actor
from jobs.domain.errors import IronForgeError
from jobs.terminal.deeds import carry_out
from jobs.terminal.reading import Reader, Reading
from jobs.terminal.view import Wish


@dataclass(frozen=True, slots=True)
class News:
    """What the thread found out: a reading, or the trouble that prevented it, the notice of a deed that is
    done, or the failure that ended it.
    """

    reading: Reading | None = None
    trouble: str = ""
    notice: str = ""
    failure: BaseException | None = None


class Feed:
    """Reads every `interval_s`; `bell` is a file descriptor to which a byte is written for each piece of news."""

    def __init__(self, actor: Actor, interval_s: float, bell: int) -> None:
        self._actor = actor
        self._reader = Reader(actor)
        self._interval_s = interval_s
        self._bell = bell
        self._news: SimpleQueue[News] = SimpleQueue()
        self._wishes: SimpleQueue[Wish | None] = SimpleQueue()
        # A daemon: a call to a store that is away must not hold up the end.
        self._thread = threading.Thread(target=self._run, name="ironforge-top", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def do(self, wish: Wish) -> None:
        """Carry a deed out, and read again at once."""
        self._wishes.put(wish)

    def stop(self, within_s: float) -> None:
        """End after the call that is under way; wait for that a moment, for it may be a deed."""
        self._wishes.put(None)
        self._thread.join(within_s)

    def news(self) -> list[News]:
        """Return what came since the last call, oldest first."""
        found = []
        while not self._news.empty():
            found.append(self._news.get())
        return found

    def _run(self) -> None:
        try:
            self._go_on()
        except Exception as failure:  # noqa: BLE001 (the main thread raises it, once the terminal is given back)
            self._tell(News(failure=failure))
        finally:
            connection.close()

    def _go_on(self) -> None:
        while True:
            self._tell(self._read())
            try:
                wish = self._wishes.get(timeout=self._interval_s)
            except Empty:
                continue
            if wish is None:
                return
            self._tell(News(notice=carry_out(self._actor, wish)))

    def _read(self) -> News:
        try:
            return News(reading=self._reader.read())
        except IronForgeError as trouble:
            return News(trouble=trouble.detail)

    def _tell(self, news: News) -> None:
        self._news.put(news)
        # A pipe that is full has been heard already.
        with suppress(BlockingIOError):
            os.write(self._bell, b"\0")

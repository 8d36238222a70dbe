"""The live view: waits for keys, news and signals, and draws after each of them."""

from __future__ import annotations

import logging
import os
import select
import signal
from types import FrameType

from jobs.access.actor import Actor
from jobs.terminal.feed import Feed
from jobs.terminal.frame import frame_of
from jobs.terminal.keyboard import keys_of
from jobs.terminal.screen import Screen
from jobs.terminal.view import View

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# How long a deed that is under way may take to reach the store after q.
LAST_DEED_S = 2.0


class Live:
    """Shows a namespace until q, Ctrl-C or the end of the terminal."""

    def __init__(self, actor: Actor, interval_s: float) -> None:
        self._view = View(actor.namespace)
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._bell, False)
        os.set_blocking(self._rope, False)
        self._feed = Feed(actor, interval_s, self._rope)
        self._is_suspended = False

    def run(self) -> bool:
        """Run to the end; return False when the store was away when it was last asked."""
        # A log line would fall into the picture; what matters to the person is told on the screen.
        logging.disable(logging.CRITICAL)
        before = {number: signal.getsignal(number) for number in (*ENDING, signal.SIGTSTP, signal.SIGWINCH)}
        signal.set_wakeup_fd(self._rope, warn_on_full_buffer=False)
        for number in before:
            signal.signal(number, self._hear)
        try:
            with Screen() as screen:
                self._feed.start()
                self._show(screen)
            self._feed.stop(LAST_DEED_S)
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            logging.disable(logging.NOTSET)
        return not self._view.trouble

    def _show(self, screen: Screen) -> None:
        while not self._view.is_over:
            if self._is_suspended:
                self._is_suspended = False
                screen.stand_aside()
            screen.draw(frame_of(self._view, *screen.size))
            ready, _, _ = select.select([screen.keys, self._bell], [], [])
            if self._bell in ready:
                os.read(self._bell, 4096)
                self._take_news()
            if screen.keys in ready:
                self._take_keys(screen.read())

    def _take_news(self) -> None:
        for news in self._feed.news():
            if news.failure is not None:
                raise news.failure
            if news.notice:
                self._view.notice = news.notice
            else:
                self._view.trouble = news.trouble
                self._view.reading = news.reading or self._view.reading

    def _take_keys(self, sent: bytes) -> None:
        if not sent:
            self._view.is_over = True
        for key in keys_of(sent):
            wish = self._view.press(key)
            if wish is not None:
                self._feed.do(wish)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; the wakeup descriptor makes the loop look."""
        if number in ENDING:
            self._view.is_over = True
        elif number == signal.SIGTSTP:
            self._is_suspended = True

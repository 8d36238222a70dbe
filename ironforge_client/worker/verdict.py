"""What a handler may raise to say how its attempt ends: `Retry`, `Snooze`, `Discard`."""

from __future__ import annotations

from datetime import timedelta

Delay = float | timedelta


class Verdict(Exception):
    """Root of the three; never raised itself."""


class Retry(Verdict):
    """This attempt failed; try again after `delay` (seconds or a timedelta), or after the job's usual backoff.

    It counts as a failure: a job out of retries becomes a dead letter.
    """

    def __init__(self, delay: Delay | None = None, reason: str = "") -> None:
        super().__init__(reason or "The handler asked for another attempt.")
        self.delay_ms = None if delay is None else _milliseconds(delay)


class Snooze(Verdict):
    """Not now: run the job again after `delay` (seconds or a timedelta). No retry is used."""

    def __init__(self, delay: Delay) -> None:
        super().__init__("The handler asked for a later time.")
        self.delay_ms = _milliseconds(delay)


class Discard(Verdict):
    """Never again: the job becomes a dead letter at once, whatever retries it has left."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason or "The handler gave the job up.")


def _milliseconds(delay: Delay) -> int:
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
    if not 0 <= seconds <= 10 * 365 * 86_400:
        raise ValueError(f"a delay is 0 s to 10 years, not {seconds} s")
    return round(seconds * 1000)

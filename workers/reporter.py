"""What running attempts say of themselves, on its way to the store: gathered, sent together, told before their end."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from jobs.backends.base import MAX_BATCH
from jobs.domain.errors import BackendUnavailable
from jobs.domain.lease import Lease
from jobs.domain.report import MAX_LINES, MAX_LINES_A_REPORT, Noted, Report, ReportLine
from jobs.telemetry.logs import log_event
from workers.consumers import Consumers, Place
from workers.rounds import Rounds
from workers.store_link import StoreLink

# How long what is said may wait for more.
GATHER_S = 0.5
IDLE_S = 1.0
MAX_CALL_BYTES = 1024 * 1024

# When it was said (monotonic s), level, text.
Line = tuple[float, str, str]


class _Notes:
    """What one attempt has said and the store does not know yet. Its reports are numbered for as long as it lives.

    `sent` is on its way, and stays the same until it is known.
    """

    __slots__ = ("checkpoint", "fraction", "lease", "lines", "number", "sent", "text", "then")

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.number = 0
        self.sent: Report | None = None
        self.fraction: float | None = None
        self.text = ""
        self.lines: deque[Line] = deque(maxlen=MAX_LINES)
        self.checkpoint: bytes | None = None
        self.then: Callable[[], object] | None = None

    @property
    def is_empty(self) -> bool:
        return self.sent is None and self.fraction is None and not self.lines and self.checkpoint is None

    def report(self) -> Report:
        """Return what is to be sent now: what is on its way already, or all that was said since."""
        if self.sent is None:
            self.number += 1
            now = time.monotonic()
            lines = [self.lines.popleft() for _ in range(min(len(self.lines), MAX_LINES_A_REPORT))]
            self.sent = Report(
                job_id=self.lease.job.id,
                token=self.lease.token,
                number=self.number,
                fraction=self.fraction,
                text=self.text,
                lines=tuple(ReportLine(round((now - at) * 1000), level, text) for at, level, text in lines),
                checkpoint=self.checkpoint,
            )
            self.fraction, self.text, self.checkpoint = None, "", None
        return self.sent


class Reporter:
    """Takes what attempts say, from any thread. `step` is a round of its loop, which `start` begins when needed."""

    def __init__(
        self, consumers: Consumers, link: StoreLink, logger: logging.Logger, start: Callable[[], object]
    ) -> None:
        self._consumers = consumers
        self._link = link
        self._logger = logger
        self._start = start
        self._lock = threading.Lock()
        self._due = threading.Event()
        self._notes: dict[str, _Notes] = {}
        self._rounds: Rounds[Place] | None = None
        self._is_started = False

    def progress(self, lease: Lease, fraction: float, text: str) -> None:
        """Note how far an attempt is; only the last word is sent."""
        with self._lock:
            notes = self._of(lease)
            notes.fraction, notes.text = fraction, text

    def line(self, lease: Lease, level: str, text: str) -> None:
        """Note a line of log; the oldest unsent ones go when there are too many."""
        with self._lock:
            notes = self._of(lease)
            notes.lines.append((time.monotonic(), level, text))
            is_much = len(notes.lines) >= MAX_LINES_A_REPORT
        if is_much:
            self._due.set()

    def checkpoint(self, lease: Lease, data: bytes) -> None:
        """Note where the next attempt is to go on (JSON text)."""
        with self._lock:
            self._of(lease).checkpoint = data

    def knows(self, token: str) -> bool:
        """Tell whether an attempt has said anything; then `tell_rest` must follow at its end."""
        return token in self._notes

    def tell_rest(self, token: str, then: Callable[[], object]) -> None:
        """Call `then`, in any thread, once all that the attempt said is with the store, or cannot be any more."""
        with self._lock:
            notes = self._notes.get(token)
            is_told = notes is None or notes.is_empty
            if notes is not None and is_told:
                del self._notes[token]
            elif notes is not None:
                notes.then = then
        if is_told:
            then()
        else:
            self._due.set()

    def forget(self, token: str) -> None:
        """Drop what an attempt said: its lease is lost, so nobody would hear it."""
        with self._lock:
            self._notes.pop(token, None)

    def step(self) -> float:
        """Wait for something to tell, tell it, and return at once. Raises BackendUnavailable."""
        self._due.wait(GATHER_S if self._notes else IDLE_S)
        self._due.clear()
        with self._lock:
            waiting = list(self._notes.values())
        if waiting:
            self._tell(waiting)
        return 0.0

    def close(self) -> None:
        """Drop the connections."""
        self._link.close()

    def _of(self, lease: Lease) -> _Notes:
        """Return the notes of an attempt; to be called with the lock held."""
        if not self._is_started:
            self._is_started = True
            self._start()
        notes = self._notes.get(lease.token)
        if notes is None:
            notes = self._notes[lease.token] = _Notes(lease)
        return notes

    def _tell(self, waiting: Sequence[_Notes]) -> None:
        groups = self._consumers.groups([notes.lease.job for notes in waiting])
        if self._rounds is None:
            self._rounds = Rounds("reports", self._consumers.shards)
        self._rounds.ask(groups, lambda place: self._tell_there(place, [waiting[each] for each in groups[place]]))

    def _tell_there(self, place: Place, waiting: Sequence[_Notes]) -> None:
        for batch in _batches(self._with_reports(waiting)):
            reports = [report for _, report in batch]
            try:
                answers = self._link.run(self._consumers.at(place).report(reports))
            except BackendUnavailable:
                raise
            except Exception:
                # Whether the store has it is not known. The attempts go on, and so do the numbers of their reports: one
                # that came twice would be taken for a repeat.
                log_event(self._logger, "report.dropped", level=logging.WARNING, detail="unreadable", jobs=len(batch))
                self._done(batch, [Noted.NOTED] * len(batch))
                raise
            self._done(batch, answers)
            dropped = answers.count(Noted.WITHOUT_CHECKPOINT)
            if dropped:
                detail = "The store has no memory for checkpoints."
                log_event(self._logger, "report.dropped", level=logging.WARNING, detail=detail, jobs=dropped)

    def _with_reports(self, waiting: Sequence[_Notes]) -> list[tuple[_Notes, Report]]:
        with self._lock:
            return [(notes, notes.report()) for notes in waiting if not notes.is_empty]

    def _done(self, batch: Sequence[tuple[_Notes, Report]], answers: Sequence[Noted]) -> None:
        """Forget what is told; an attempt whose lease is lost has nothing more to say."""
        ended: list[Callable[[], object]] = []
        with self._lock:
            for (notes, _), is_noted in zip(batch, answers, strict=True):
                notes.sent = None
                if is_noted and not notes.is_empty:
                    # More was said than goes into one report.
                    self._due.set()
                elif notes.then is not None or not is_noted:
                    self._notes.pop(notes.lease.token, None)
                    if notes.then is not None:
                        ended.append(notes.then)
        for then in ended:
            then()


def _batches(entries: Sequence[tuple[_Notes, Report]]) -> Iterator[Sequence[tuple[_Notes, Report]]]:
    """Yield reports that go into one call, few in number and bytes."""
    batch: list[tuple[_Notes, Report]] = []
    room = MAX_CALL_BYTES
    for entry in entries:
        report = entry[1]
        size = len(report.checkpoint or b"") + sum(len(line.text) for line in report.lines)
        if batch and (len(batch) == MAX_BATCH or size > room):
            yield batch
            batch, room = [], MAX_CALL_BYTES
        batch.append(entry)
        room -= size
    if batch:
        yield batch

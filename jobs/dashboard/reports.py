"""What a job's attempts said of themselves, as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.access.actor import Actor
from jobs.domain.job import Job
from jobs.domain.report import LogLine, Progress
from jobs.domain.status import Status
from jobs.services import job_reading

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ProgressView:
    """How far a job is; `percent` is 0–100, `is_moving` while it runs."""

    progress: Progress
    percent: int
    is_moving: bool


@dataclass(frozen=True, slots=True)
class LogView:
    """The newest lines of a job's log, oldest first; `hidden` counts older ones that are kept as well.

    `attempts` are the numbers of those that have lines; `attempt` is the one whose lines these are, 0: of all.
    """

    lines: tuple[LogLine, ...]
    hidden: int
    attempts: tuple[int, ...]
    attempt: int


def progress_of(job: Job) -> ProgressView | None:
    """Return how far the job says it is, None when it never said so."""
    if job.progress is None:
        return None
    return ProgressView(job.progress, percent_of(job.progress), job.status is Status.RUNNING)


def percent_of(progress: Progress) -> int:
    """Return how far it is, 0–100; 100 is not said before all is done."""
    return 100 if progress.fraction >= 1 else min(round(progress.fraction * 100), 99)


def log_of(actor: Actor, job: Job, attempt: int = 0) -> LogView | None:
    """Return the job's log, of one attempt if it is named; None for a job that no attempt was made at.

    Raises NotPermitted.
    """
    if not job.attempt:
        return None
    lines = job_reading.get_log(actor, job.id).lines
    attempts = tuple(sorted({line.attempt for line in lines}))
    chosen = tuple(line for line in lines if line.attempt == attempt) if attempt else lines
    return LogView(chosen[-MOST_SHOWN:], max(0, len(chosen) - MOST_SHOWN), attempts, attempt)

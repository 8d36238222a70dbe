"""How states, priorities and outcomes look: a word, an icon and a colour class for each, never the colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.domain.priority import Priority
from jobs.domain.status import Status


@dataclass(frozen=True, slots=True)
class Look:
    """`icon` is a symbol of the sprite, `css` the class of the colour, `meaning` the sentence of the tooltip."""

    label: str
    icon: str
    css: str
    meaning: str


STATUS: dict[Status, Look] = {
    Status.QUEUED: Look("Queued", "clock", "s-queued", "queued: ready, waits for a worker"),
    Status.SCHEDULED: Look("Scheduled", "calendar-time", "s-scheduled", "scheduled: due later"),
    Status.WAITING: Look("Waiting", "hourglass", "s-waiting", "waiting: an earlier step has not completed"),
    Status.RUNNING: Look("Running", "loader-2", "s-running", "running: a worker holds its lease"),
    Status.COMPLETED: Look("Completed", "circle-check", "s-completed", "completed"),
    Status.FAILED: Look("Retrying", "rotate-clockwise-2", "s-failed", "failed: waits for its next attempt"),
    Status.DEAD_LETTER: Look(
        "Dead letter", "skull", "s-dead_letter", "dead_letter: out of retries, waits for a person"
    ),
    Status.CANCELLED: Look("Cancelled", "ban", "s-cancelled", "cancelled"),
}

# The bars of the signal that stands for a priority.
PRIORITY_BARS: dict[Priority, int] = {Priority.LOW: 1, Priority.MEDIUM: 2, Priority.HIGH: 3, Priority.CRITICAL: 4}


# Why a job is where it is, and how an attempt ended, in words; other texts are shown as they are.
REASON: dict[str, str] = {
    "retries_exhausted": "out of retries",
    "discard": "given up by its handler",
    "discarded": "discarded by a person",
    "expired": "not started in time",
    "replaced": "a newer one took its place",
    "unknown_kind": "no worker knows this kind",
    "crashed": "killed who ran it",
    "at_most_once": "may not run a second time",
    "lost_lease": "lost its worker",
    "dead_letter": "failed for good",
    "parent_ended": "a step before it did not complete",
}


# Why a request got no answer, in words; other texts are shown as they are.
ANSWER: dict[str, str] = {
    "timeout": "no answer in time",
    "unreachable": "cannot be reached",
    "unknown_host": "no such host",
    "tls_failed": "TLS failed",
    "bad_answer": "no HTTP answer",
    "blocked_address": "blocked address",
    "invalid_url": "no valid URL",
    "no_secret": "no secret to sign with",
    "snoozed": "asked for later",
}


# What was done, by the audit log's action; other actions are shown as they are.
ACT: dict[str, str] = {
    "job.submit": "Submitted",
    "job.cancel": "Cancelled",
    "job.retry": "Re-injected",
    "job.promote": "Run now",
    "job.discard": "Discarded",
    "delivery.resend": "Sent again",
    "workflow.cancel": "Cancelled the rest",
    "workflow.retry": "Retried what failed",
    "worker.quiet": "Quieted",
    "worker.resume": "Resumed",
    "worker.terminate": "Stopped",
}


def status_look(status: Status) -> Look:
    """Return how a status looks."""
    return STATUS[status]


def person_of(label: str) -> str:
    """Return an actor as people name it: a person by the name alone, anything else with what it is (`key:mailer`)."""
    return label.removeprefix("session:")

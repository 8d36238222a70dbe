"""How states, priorities and outcomes look: a word, an icon and a colour class for each, never the colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from jobs.domain.priority import Priority
from jobs.domain.status import Status


@dataclass(frozen=True, slots=True)
class Look:
    """`icon` is a symbol of the sprite, `css` the class of the colour; the texts are in English."""

    label_en: str
    icon: str
    css: str
    meaning_en: str

    @property
    def label(self) -> str:
        """Return the word, in the language of the reader."""
        return gettext(self.label_en)

    @property
    def meaning(self) -> str:
        """Return the sentence of the tooltip, in the language of the reader."""
        return gettext(self.meaning_en)


STATUS: dict[Status, Look] = {
    Status.QUEUED: Look(_("Queued"), "clock", "s-queued", _("queued: ready, waits for a worker")),
    Status.SCHEDULED: Look(_("Scheduled"), "calendar-time", "s-scheduled", _("scheduled: due later")),
    Status.WAITING: Look(_("Waiting"), "hourglass", "s-waiting", _("waiting: an earlier step has not completed")),
    Status.RUNNING: Look(_("Running"), "loader-2", "s-running", _("running: a worker holds its lease")),
    Status.COMPLETED: Look(_("Completed"), "circle-check", "s-completed", _("completed")),
    Status.FAILED: Look(_("Retrying"), "rotate-clockwise-2", "s-failed", _("failed: waits for its next attempt")),
    Status.DEAD_LETTER: Look(
        _("Dead letter"), "skull", "s-dead_letter", _("dead_letter: out of retries, waits for a person")
    ),
    Status.CANCELLED: Look(_("Cancelled"), "ban", "s-cancelled", _("cancelled")),
}

# The bars of the signal that stands for a priority.
PRIORITY_BARS: dict[Priority, int] = {Priority.LOW: 1, Priority.MEDIUM: 2, Priority.HIGH: 3, Priority.CRITICAL: 4}


# Why a job is where it is, and how an attempt ended, in words; other texts are shown as they are.
REASON: dict[str, str] = {
    "retries_exhausted": _("out of retries"),
    "discard": _("given up by its handler"),
    "discarded": _("discarded by a person"),
    "expired": _("not started in time"),
    "replaced": _("a newer one took its place"),
    "unknown_kind": _("no worker knows this kind"),
    "crashed": _("killed who ran it"),
    "at_most_once": _("may not run a second time"),
    "lost_lease": _("lost its worker"),
    "dead_letter": _("failed for good"),
    "too_many_queues": _("the namespace has too many queues"),
    "quota_jobs": _("the namespace has stored as many jobs as it may"),
    "quota_bytes": _("the namespace's quota has no room for it"),
    "quota_rate": _("the namespace submits more than its quota allows"),
    "parent_ended": _("a step before it did not complete"),
}


# Why a request got no answer, in words; other texts are shown as they are.
ANSWER: dict[str, str] = {
    "timeout": _("no answer in time"),
    "unreachable": _("cannot be reached"),
    "unknown_host": _("no such host"),
    "tls_failed": _("TLS failed"),
    "bad_answer": _("no HTTP answer"),
    "blocked_address": _("blocked address"),
    "invalid_url": _("no valid URL"),
    "no_secret": _("no secret to sign with"),
    "snoozed": _("asked for later"),
}


# What was done, by the audit log's action; other actions are shown as they are.
ACT: dict[str, str] = {
    "job.submit": _("Submitted"),
    "job.export": _("Exported"),
    "view.keep": _("Kept a view"),
    "view.remove": _("Removed a view"),
    "job.cancel": _("Cancelled"),
    "job.retry": _("Re-injected"),
    "job.promote": _("Run now"),
    "job.discard": _("Discarded"),
    "job.duplicate": _("Duplicated"),
    "payload.reveal": _("Saw masked fields"),
    "delivery.resend": _("Sent again"),
    "workflow.cancel": _("Cancelled the rest"),
    "workflow.retry": _("Retried what failed"),
    "worker.quiet": _("Quieted"),
    "worker.resume": _("Resumed"),
    "worker.terminate": _("Stopped"),
}


# States, priorities, roles and the like where they stand alone; other codes are shown as they are.
WORD: dict[str, str] = {
    "critical": _("critical"),
    "high": _("high"),
    "medium": _("medium"),
    "low": _("low"),
    "viewer": _("viewer"),
    "operator": _("operator"),
    "admin": _("admin"),
    "queued": _("queued"),
    "scheduled": _("scheduled"),
    "waiting": _("waiting"),
    "running": _("running"),
    "completed": _("completed"),
    "failed": _("failed"),
    "dead_letter": _("dead_letter"),
    "cancelled": _("cancelled"),
    "ok": _("ok"),
    "degraded": _("degraded"),
    "unavailable": _("unavailable"),
    "quiet": _("quiet"),
    "draining": _("draining"),
    "starting": _("starting"),
    "active": _("active"),
    "paused": _("paused"),
    "asleep": _("asleep"),
    "broken": _("broken"),
    "ended": _("ended"),
    "done": _("done"),
    "revoked": _("revoked"),
    "expired": _("expired"),
    "deleting": _("deleting"),
    "deleted": _("deleted"),
    "matching": _("searching"),
    "previewed": _("previewed"),
    "watching": _("watching the canary"),
    "stopped": _("stopped"),
    "aborted": _("aborted"),
    "payload": _("payload"),
    "result": _("result"),
    "checkpoint": _("checkpoint"),
    "tags": _("tags"),
    "purge": _("purge"),
    "retry": _("retry"),
    "cancel": _("cancel"),
    "discard": _("discard"),
    "reprioritise": _("reprioritise"),
    "move": _("move"),
    "skip": _("skip"),
    "latest": _("latest"),
    "all": _("all"),
    "allow": _("allow"),
    "queue_one": _("queue_one"),
}


def status_look(status: Status) -> Look:
    """Return how a status looks."""
    return STATUS[status]


def word_of(code: str) -> str:
    """Return the word for a code, in the language of the reader."""
    return _in_words(WORD, code)


def reason_of(code: str) -> str:
    """Say why a job is where it is, or how an attempt ended."""
    return _in_words(REASON, code) if code in REASON else word_of(code)


def answer_of(code: str) -> str:
    """Say why a request got no answer, or how the attempt ended that made none."""
    return _in_words(ANSWER, code) if code in ANSWER else reason_of(code)


def act_of(action: str) -> str:
    """Say what was done, by the action of the audit log."""
    return _in_words(ACT, action)


def _in_words(words: dict[str, str], code: str) -> str:
    return gettext(words[code]) if code in words else code


def person_of(label: str) -> str:
    """Return an actor as people name it: a person by the name alone, anything else with what it is (`key:mailer`)."""
    return label.removeprefix("session:")

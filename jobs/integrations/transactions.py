"""Jobs on their way to the store, and how they wait for a transaction: sent after its commit, or never."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from jobs.backends.base import Submission, Submitted
from jobs.domain.errors import IronForgeError
from jobs.integrations.modes import Mode
from jobs.services.bulk_submission import Outcome
from jobs.services.submission import refusal_of
from jobs.services.submit_span import SubmitSpan
from jobs.telemetry.logs import get_logger, log_event

Then = Callable[[Sequence[Submitted]], None]
_log = get_logger("enqueue")


class Parcel:
    """Jobs for a mode; `then` gets what became of them, and `span` ends, once all are stored."""

    def __init__(
        self,
        mode: Mode,
        namespace: str,
        submissions: Sequence[Submission],
        then: Then | None = None,
        span: SubmitSpan | None = None,
    ) -> None:
        self.mode = mode
        self.namespace = namespace
        self.submissions = submissions
        self.then = then
        self._span = span
        self._stored: list[Submitted] = []

    def ids(self) -> list[str]:
        """Return the ids of the jobs: those that were stored, before that those they are to have."""
        return [each.job_id for each in self._stored] or [each.job_id for each in self.submissions]

    def send(self) -> None:
        """Store the jobs; again is no harm. Raises BackendUnavailable, or what `refusal_of` has."""
        if self._stored:
            return
        with self._span or nullcontext():
            self._put()
        if self.then is not None:
            self.then(self._stored)

    def _put(self) -> None:
        outcomes = self.mode.put(self.namespace, self.submissions)
        refused = [(it, why) for it, why in zip(self.submissions, map(_refusal, outcomes), strict=True) if why]
        if refused:
            error = refused[0][1]
            error.add_note(f"Not confirmed: {', '.join(submission.job_id for submission, _ in refused)}")
            raise error
        self._stored = [outcome for outcome in outcomes if isinstance(outcome, Submitted)]
        if self._span is not None and len(self._stored) == 1:
            self._span.named(self._stored[0].job_id)

    def send_after_commit(self) -> None:
        """Store the jobs of a transaction that is committed. Whoever ended it gets what is raised."""
        try:
            self.send()
        except IronForgeError as error:
            ids = ", ".join(submission.job_id for submission in self.submissions)
            kinds = ", ".join(sorted({submission.spec.kind for submission in self.submissions}))
            log_event(_log, "enqueue.failed", level=logging.ERROR, exception=error, jobs=ids, kinds=kinds)
            error.add_note(f"The transaction is committed all the same. Its jobs: {ids}")
            raise


def is_in_transaction(using: str | None = None) -> bool:
    """Tell whether code runs inside `atomic()`. The transaction that a TestCase wraps around each test is none."""
    connection = connections[using or DEFAULT_DB_ALIAS]
    if connection.connection is None:
        return False
    if connection.in_atomic_block:
        return not all(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
    # Without autocommit everything is in a transaction that Django does not know of, and it will say so.
    return not connection.autocommit


def send_after_commit(parcel: Parcel, using: str | None = None) -> None:
    """Store jobs after the commit of the running transaction; not if it, or a savepoint around here, is rolled back.

    Raises TransactionManagementError where autocommit is off.
    """
    transaction.on_commit(parcel.send_after_commit, using=using)


def _refusal(outcome: Outcome) -> IronForgeError | None:
    return refusal_of(outcome) if isinstance(outcome, Submitted) else outcome

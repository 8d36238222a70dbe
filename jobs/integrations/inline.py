"""Runs jobs at once, in the code that enqueues them."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.backends.base import Submission, SubmitCode, Submitted
from jobs.domain.status import FINAL, Status
from jobs.integrations.rehearsal import Rehearsal
from jobs.services.bulk_submission import Outcome
from workers.registry import Registry


class InlineMode(Rehearsal):
    """Runs each job to its end when it is enqueued, delays and all; retries follow without a pause.

    With `raises`, what made a job a dead letter is raised where it was enqueued; it is in `errors` either way. A job
    that snoozes stays `scheduled`.
    """

    is_immediate = True

    def __init__(self, registry: Registry | None = None, *, raises: bool = True) -> None:
        super().__init__(registry)
        self._raises = raises

    def put(self, namespace: str, submissions: Sequence[Submission]) -> list[Outcome]:
        """Keep jobs and run them, in order. Raises NoHandler, and with `raises` the first error that ended a job."""
        outcomes = super().put(namespace, submissions)
        places = [
            (namespace, outcome.job_id)
            for outcome in outcomes
            if isinstance(outcome, Submitted) and outcome.code is SubmitCode.ACCEPTED
        ]
        for place in places:
            job = self.run(place)
            while job.status is Status.FAILED:
                self.advance_to(job.scheduled_for or 0)
                job = self.run(place)
        if self._raises:
            for place in places:
                if self.jobs[place].status in FINAL - {Status.COMPLETED} and place in self.errors:
                    raise self.errors[place]
        return outcomes

"""Where a job comes from and what came of it: schedule, workflow, the job it was made like, re-injections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.access.models import AuditEntry
from jobs.access.scopes import Action
from jobs.dashboard.reinjections import Reinjection
from jobs.domain.identity import parse_id
from jobs.domain.job import Job
from jobs.services.duplicates import TAG

_MOST = 5


@dataclass(frozen=True, slots=True)
class Lineage:
    """Ids of relatives; None and () where there are none. `duplicates` are the newest that were made like it."""

    schedule_id: str | None
    workflow_id: str | None
    step: str | None
    duplicate_of: str | None
    duplicates: tuple[str, ...]
    reinjections: tuple[Reinjection, ...]

    @property
    def is_known(self) -> bool:
        """Tell whether there is anything to tell."""
        return any((self.schedule_id, self.workflow_id, self.duplicate_of, self.duplicates, self.reinjections))


def lineage_of(job: Job, history: Iterable[AuditEntry], reinjections: Sequence[Reinjection]) -> Lineage:
    """Return the relatives of a job; `history` is what its audit log says, newest first."""
    made = [str((entry.after or {}).get("job", "")) for entry in history if entry.action == Action.JOB_DUPLICATE.value]
    return Lineage(
        schedule_id=job.schedule_id,
        workflow_id=job.workflow_id,
        step=job.step,
        # A tag can be given by anybody: what is no id is only a tag.
        duplicate_of=parse_id(job.metadata.get(TAG, "")),
        duplicates=tuple(made[:_MOST]),
        reinjections=tuple(reversed(reinjections))[:_MOST],
    )

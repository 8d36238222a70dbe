"""What a store is asked about workflows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from jobs.backends.call import Call
from jobs.domain.workflow import PlannedStep, StepState, Workflow, WorkflowSpec

# Steps of one call, by number and by bytes of their payloads.
MAX_STAGED = 200
MAX_READ = 500


class StageCode(StrEnum):
    """What became of a batch of steps."""

    STAGED = "staged"
    GONE = "gone"
    TOO_MANY_QUEUES = "too_many_queues"
    QUOTA_JOBS = "quota_jobs"
    QUOTA_BYTES = "quota_bytes"
    QUOTA_RATE = "quota_rate"


class StartCode(StrEnum):
    """What became of a start. `replayed`: the key started another workflow, which the answer names."""

    STARTED = "started"
    REPLAYED = "replayed"
    MISMATCH = "idempotency_mismatch"
    GONE = "gone"


class GrowCode(StrEnum):
    """What became of steps that were added."""

    GROWN = "grown"
    CHANGED = "changed"
    LEASE_LOST = "lease_lost"
    ENDED = "ended"
    BEGUN = "begun"
    TOO_MANY_QUEUES = "too_many_queues"
    QUOTA_JOBS = "quota_jobs"
    QUOTA_BYTES = "quota_bytes"
    QUOTA_RATE = "quota_rate"


@dataclass(frozen=True, slots=True)
class Place:
    """A workflow in the list of all: its start (Unix ms) and its id."""

    at: float
    workflow_id: str


# A step with the id of the job that it is to be.
Placed = tuple[PlannedStep, str]


class Workflows(Protocol):
    """The workflows of one namespace; each is kept, with all its steps, in the shard that its id names."""

    def stage(self, workflow_id: str, spec: WorkflowSpec, batch: Sequence[Placed], *, by: str) -> Call[StageCode]:
        """Store up to MAX_STAGED steps that wait; nobody sees the workflow before `start`."""

    def start(self, workflow_id: str, roots: Sequence[int], key: str, fingerprint: str) -> Call[tuple[StartCode, str]]:
        """Make a workflow live whose steps are all staged; `roots` are those without parents."""

    def unstage(self, workflow_id: str) -> Call[bool]:
        """Remove some steps of a workflow that was not started; True: there are more."""

    def grow(self, workflow_id: str, holder: str, token: str, known: int, batch: Sequence[Placed]) -> Call[GrowCode]:
        """Add up to MAX_STAGED steps, for who holds the lease of one; `known` is how many there are."""

    def walk(
        self, workflow_id: str, verb: Literal["cancel", "retry"], request_id: str, *, by: str
    ) -> Call[tuple[str, str]]:
        """Begin to cancel the rest, or to run again what failed: `done`, `conflict` or `not_found`, and the status."""

    def tend(self, workflow_id: str) -> Call[bool]:
        """Go on with what is left to do in the workflow's shard; True: there is more."""

    def get(self, workflow_id: str, first: int, amount: int) -> Call[tuple[Workflow, tuple[StepState, ...]] | None]:
        """Return a workflow and up to MAX_READ of its steps from number `first` on; None if there is none."""

    def newest(self, after: Place | None, limit: int) -> Call[list[tuple[Place, Workflow]]]:
        """Return up to `limit` (≤ 200) workflows, the newest start first."""

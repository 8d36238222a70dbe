"""What the rest of a worker process may ask of its lanes, whether they are those of one namespace or of several."""

from __future__ import annotations

from typing import Protocol

from jobs.domain.lease import Lease
from jobs.domain.outcome import Settlement
from workers.pool import Outcomes, Pool


class Traffic(Protocol):
    """Claims and outcomes, on the event loop."""

    @property
    def outbox(self) -> Outcomes:
        """Return where the outcomes of attempts go."""

    @property
    def is_away(self) -> bool:
        """Tell whether the store did not answer when it was last asked."""

    def counts(self) -> tuple[int, int]:
        """Return how many attempts completed and how many failed, since the beginning."""

    def last_ok(self) -> dict[str, float]:
        """Return when each exchange that must make progress last did (monotonic s)."""

    async def run(self, pool: Pool) -> None:
        """Exchange until stopped and empty. No failure ends it."""

    def stop(self) -> None:
        """Claim nothing more; `run` ends when all outcomes are accepted."""

    def quiet(self) -> None:
        """Claim nothing until `resume`; what runs goes on and is settled."""

    def resume(self) -> None:
        """Claim again, unless the worker stops."""

    def notify_room(self) -> None:
        """Look again for jobs to claim."""

    def is_idle(self, pool: Pool) -> bool:
        """Tell whether all were asked, none has a job that is ready now, and nothing is under way."""

    def owes_nothing(self, pool: Pool) -> bool:
        """Tell whether no job waits for an answer of the store."""

    def put(self, lease: Lease, settlement: Settlement) -> None:
        """Add an outcome."""

    def __len__(self) -> int: ...

    def close(self) -> None:
        """Give the connections back."""

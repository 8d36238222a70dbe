"""Which of some jobs have a certain payload: the last question of a search, asked of those that passed all others."""

from __future__ import annotations

from collections.abc import Sequence

from jobs import wiring
from jobs.backends.base import MAX_PAYLOADS
from jobs.domain.job import Job
from jobs.domain.payload_match import PayloadMatch, read_payload_match


def with_payload(namespace: str, jobs: Sequence[Job], conditions: Sequence[str]) -> list[Job]:
    """Return the jobs whose payload meets all conditions (texts of `read_payload_match`; what is none is met by none).

    The caller has seen to it that the actor may read payloads. Raises BackendUnavailable.
    """
    if not conditions:
        return list(jobs)
    matches = [match for match in map(read_payload_match, conditions) if match is not None]
    if len(matches) < len(conditions):
        return []
    # The longest bytes are the rarest: what lacks them does not even leave the store.
    needle = max((match.needle for match in matches), key=len)
    found: list[Job] = []
    for at in range(0, len(jobs), MAX_PAYLOADS):
        some = jobs[at : at + MAX_PAYLOADS]
        call = wiring.backend().inspector(namespace).payloads([job.id for job in some], needle)
        payloads = wiring.runner().run(call)
        found += [job for job, payload in zip(some, payloads, strict=True) if _fits(payload, matches)]
    return found


def _fits(payload: bytes, matches: Sequence[PayloadMatch]) -> bool:
    return bool(payload) and all(match.fits(payload) for match in matches)

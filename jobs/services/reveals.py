"""Masked fields of a job shown in clear, to whom the policy allows it, after it was written down who saw what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db import Error as DatabaseFailure

from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.job import Job
from jobs.domain.payload import decode_json
from jobs.domain.redaction import has_stand_in, masked_places, with_secrets
from jobs.services.acts import database_unavailable
from jobs.services.job_reading import get_job

_MOST_NAMED = 50
_LONGEST_NAME = 200


class Part(StrEnum):
    """What of a job may hold masked fields."""

    PAYLOAD = "payload"
    RESULT = "result"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Revealed:
    """A job and the places (JSON pointers) of the fields of one part that may be shown this once."""

    job: Job
    part: Part
    fields: frozenset[str]


def reveal(actor: Actor, job_id: str, part: Part, field: str = "", *, reason: str = "") -> Revealed:
    """Let an actor see one masked field (a JSON pointer), or for an empty one all of the part.

    The entry of the audit log has the names of the fields, never what they hold, and is written first.
    Raises NotPermitted, NotFound, InvalidInput `not_masked`, or BackendUnavailable where it cannot be written.
    """
    policy.authorize(actor, Action.PAYLOAD_REVEAL)
    job = get_job(actor, job_id)
    masked = masked_of(job, part)
    fields = [place for place in masked if place == field] if field else masked
    if not fields:
        raise InvalidInput([Problem("/field", "not_masked", f"No such field of the {part.value} is masked.")])
    named = [place[:_LONGEST_NAME] for place in fields[:_MOST_NAMED]]
    after = {"part": part.value, "fields": named, "count": len(fields)}
    try:
        audit.record(actor, Action.PAYLOAD_REVEAL, "job", job.id, reason=reason, after=after)
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    return Revealed(job, part, frozenset(fields))


def with_kept_secrets(actor: Actor, job_id: str, edited: object) -> object:
    """Return an edited payload with the job's secrets where the person left their masks standing.

    Who may not reveal them may not send them elsewhere in another payload either. Raises NotPermitted, NotFound or
    InvalidInput `not_masked`.
    """
    if not has_stand_in(edited):
        return edited
    policy.authorize(actor, Action.PAYLOAD_REVEAL)
    text = get_job(actor, job_id).payload
    return with_secrets_of(actor, edited, None if text is None else decode_json(text))


def with_secrets_of(actor: Actor, edited: object, original: object) -> object:
    """Return an edited value with the secrets of the original. Raises NotPermitted or InvalidInput `not_masked`."""
    if not has_stand_in(edited):
        return edited
    policy.authorize(actor, Action.PAYLOAD_REVEAL)
    return with_secrets(edited, original)


def masked_of(job: Job, part: Part) -> list[str]:
    """Return the places of the masked fields of a part; none for one that is not there or was not read."""
    text: bytes | None = getattr(job, part.value)
    return [] if text is None else masked_places(decode_json(text))

"""Builds the calls about groups of failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from jobs.backends.call import Call
from jobs.backends.redis.codec import batch_of, pack, pairs, text_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.domain.error_group import KEPT_MS, MAX_GROUPS, MAX_JOBS_NAMED, MAX_VERSIONS, Blame, ErrorGroup, SeenVersion
from jobs.domain.status import Status

# As blame.lua packs a group.
_Packed = tuple[str, str, str, str, str, int, int, int, list[tuple[str, int, int, int]], list[str]]
_decode = msgspec.msgpack.Decoder(_Packed).decode


class RedisErrorGroups:
    """The names follow `jobs.backends.error_groups.ErrorGroups`."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def blame(self, blames: Sequence[Blame]) -> Call[int]:
        """Note attempts that failed."""
        batch = batch_of([_told(blame) for blame in blames])
        return script_call("blame", self._keys, (batch, MAX_GROUPS, MAX_VERSIONS, MAX_JOBS_NAMED, KEPT_MS), int)

    def newest(self, limit: int, after: tuple[int, str] | None = None) -> Call[list[ErrorGroup]]:
        """Return the groups that were seen last."""
        at, name = after or ("+inf", "")
        return script_call("errors", self._keys, (pack([]), at, name, 2 * MAX_GROUPS, limit), _groups)

    def named(self, ids: Sequence[str]) -> Call[list[ErrorGroup]]:
        """Return those of the named groups that are known."""
        return script_call("errors", self._keys, (batch_of(ids, MAX_GROUPS), 0, "", 0, 0), _groups)


def _told(blame: Blame) -> list[object]:
    about = [blame.kind, blame.error_type, blame.message, blame.where, blame.status]
    return [blame.id, about, list(blame.versions.items()), blame.job_ids]


def _groups(reply: Sequence[Any]) -> list[ErrorGroup]:
    """Return the groups of a reply; one that was damaged from outside is passed over."""
    found = []
    for name, packed in pairs(reply):
        try:
            kind, error_type, message, where, status, first_at, last_at, count, versions, jobs = _decode(packed)
            found.append(
                ErrorGroup(
                    id=text_of(name),
                    kind=kind,
                    error_type=error_type,
                    message=message,
                    where=where,
                    first_at=first_at,
                    last_at=last_at,
                    count=count,
                    status=Status(status),
                    versions=tuple(SeenVersion(*version) for version in versions),
                    job_ids=tuple(jobs),
                )
            )
        except ValueError:
            continue
    return found

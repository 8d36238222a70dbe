"""Failures that are alike: what is known of a group, and what a process tells of the attempts that it saw fail."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

import msgspec

from jobs.domain.fingerprint import group_id, site_of, where_of
from jobs.domain.job import JobError
from jobs.domain.status import Status

# Of a namespace; the one that was seen longest ago makes room.
MAX_GROUPS = 500
# One that is seen no more is forgotten after as long as dead letters are kept unless it is set otherwise.
KEPT_MS = 90 * 86_400_000
MAX_JOBS_NAMED = 20
MAX_VERSIONS = 10
MAX_VERSION = 64
# Of one process between two tellings: more kinds of failure at a time are nobody's to read.
MAX_TOLD = 200
_MAX_MESSAGE = 500
GROUP_ID = re.compile(r"[0-9a-f]{16}")


class SeenVersion(msgspec.Struct, frozen=True):
    """A version of the application whose attempts failed so, when first and last (Unix ms) and how often."""

    version: str
    first_at: int
    last_at: int
    count: int


class ErrorGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group; times are Unix ms. `where` is the place in the code, '' where nobody told it.

    `count` is of attempts, `status` what became of the newest one's job then, `job_ids` are of the newest, newest last.
    `message` is the newest one's.
    """

    id: str
    kind: str
    error_type: str
    message: str
    where: str
    first_at: int
    last_at: int
    count: int
    status: Status
    versions: tuple[SeenVersion, ...]
    job_ids: tuple[str, ...]


class Blame(msgspec.Struct, kw_only=True):
    """Attempts of one group that failed since the last telling; `versions` counts them by version, '' for none."""

    id: str
    kind: str
    error_type: str
    message: str
    where: str
    status: Status
    versions: dict[str, int]
    job_ids: list[str]


def is_group_id(text: str) -> bool:
    """Tell whether a text can name a group."""
    return GROUP_ID.fullmatch(text) is not None


class ErrorTally:
    """Failures of one namespace since they were last told to the store; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blames: dict[str, Blame] = {}

    def __len__(self) -> int:
        return len(self._blames)

    def note(self, kind: str, job_id: str, error: JobError, status: Status, version: str) -> None:
        """Count an attempt that failed, and what became of its job."""
        name = group_id(kind, error.type, site_of(error))
        with self._lock:
            blame = self._blames.get(name)
            if blame is None:
                if len(self._blames) >= MAX_TOLD:
                    return
                where = where_of(error.traceback)
                blame = self._blames[name] = Blame(
                    id=name,
                    kind=kind,
                    error_type=error.type,
                    message="",
                    where=where,
                    status=status,
                    versions={},
                    job_ids=[],
                )
            blame.message, blame.status = error.message[:_MAX_MESSAGE], status
            _add(blame, {version: 1}, [job_id])

    def take(self) -> list[Blame]:
        """Return what is to be told; it is told from then on."""
        with self._lock:
            blames, self._blames = self._blames, {}
        return list(blames.values())

    def put_back(self, blames: Sequence[Blame]) -> None:
        """Tell these again: the store did not answer."""
        with self._lock:
            newer, self._blames = self._blames, {blame.id: blame for blame in blames}
            for blame in newer.values():
                older = self._blames.get(blame.id)
                if older is not None:
                    older.message, older.status = blame.message, blame.status
                    _add(older, blame.versions, blame.job_ids)
                elif len(self._blames) < MAX_TOLD:
                    self._blames[blame.id] = blame


def _add(blame: Blame, versions: dict[str, int], job_ids: Sequence[str]) -> None:
    for version, count in versions.items():
        if version in blame.versions or len(blame.versions) < MAX_VERSIONS:
            blame.versions[version] = blame.versions.get(version, 0) + count
    blame.job_ids = [each for each in blame.job_ids if each not in job_ids][-MAX_JOBS_NAMED:] + list(job_ids)
    del blame.job_ids[:-MAX_JOBS_NAMED]

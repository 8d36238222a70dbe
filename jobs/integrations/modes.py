"""Where enqueued jobs go: to the store, or in tests to what stands in for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Protocol, cast

import msgspec
from django.utils.module_loading import import_string

from jobs import wiring
from jobs.access.actor import program_actor
from jobs.backends.base import Submission
from jobs.conf import conf
from jobs.domain.errors import BackendUnavailable, NotFound
from jobs.domain.job import Job
from jobs.domain.naming import DEFAULT_NAMESPACE
from jobs.services.bulk_submission import Outcome, submit_placed
from jobs.services.job_reading import get_job
from jobs.services.limit_keys import limit_keys, with_key

_MODES = {
    "store": "jobs.integrations.modes.StoreMode",
    "inline": "jobs.integrations.inline.InlineMode",
    "fake": "jobs.integrations.fake.FakeMode",
}


class Mode(Protocol):
    """Takes jobs; `namespace` is that of jobs that name none."""

    namespace: str
    # Whether a job has run when `put` returns.
    is_immediate: bool

    def put(self, namespace: str, submissions: Sequence[Submission]) -> list[Outcome]:
        """Take jobs and return what became of each, in order. Raises BackendUnavailable if none was taken."""

    def find(self, namespace: str, job_id: str) -> Job | None:
        """Return a job with payload and result, None if there is none. Raises BackendUnavailable."""


class StoreMode:
    """Puts jobs into the store, through the services that every face uses."""

    is_immediate = False

    def __init__(self, namespace: str = DEFAULT_NAMESPACE) -> None:
        self.namespace = namespace

    def put(self, namespace: str, submissions: Sequence[Submission]) -> list[Outcome]:
        """Store jobs."""
        try:
            return submit_placed(program_actor(namespace), _keyed(namespace, submissions))
        except BackendUnavailable as away:
            away.add_note(f"The store is looked for at {wiring.store_address()}.")
            raise

    def find(self, namespace: str, job_id: str) -> Job | None:
        """Look a job up."""
        try:
            return get_job(program_actor(namespace), job_id)
        except NotFound:
            return None


def _keyed(namespace: str, submissions: Sequence[Submission]) -> Sequence[Submission]:
    """Return the jobs with the keys of their limits: they got their ids before anybody asked the store about those."""
    paths = limit_keys().paths_of(namespace)
    if not paths:
        return submissions
    return [msgspec.structs.replace(each, spec=with_key(each.spec, paths)) for each in submissions]


# The last one counts. Shared by all threads: code under test may run in threads of its own.
_entered: list[Mode] = []


def current_mode() -> Mode:
    """Return the mode that was entered last, else that of the setting IRONFORGE_ENQUEUE."""
    return _entered[-1] if _entered else _mode_of_setting(conf().enqueue)


@contextmanager
def entered(mode: Mode) -> Iterator[None]:
    """Let enqueued jobs go there, in all threads of this process."""
    _entered.append(mode)
    try:
        yield
    finally:
        _entered.remove(mode)


@cache
def _mode_of_setting(name: str) -> Mode:
    return cast("Mode", import_string(_MODES[name])())

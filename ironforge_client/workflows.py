"""Workflows: what a caller builds of steps, and what the server shows of one.

flow = Workflow("order")
charge = flow.step("charge", "card.charge", {"order": 7})
packed = flow.group(flow.step("pack", "parcel.pack"), flow.step("label", "parcel.label"), after=charge)
flow.step("close", "order.close", after=packed)
client.submit_workflow(flow)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Unpack

from ironforge_client.jobs import read_time
from ironforge_client.submission import JobFields, NewJob, job_document

# Names of steps; each builder returns those after which one may go on.
Steps = tuple[str, ...]


class Workflow:
    """A graph of jobs on its way to the server, which judges it; a step starts when all before it completed.

    `on_parent_failure` is what a step does when one of them did not: `cancel`, `continue` or `wait` for re-injection.
    `callback` is a job that is submitted at each end, `webhook` a URL that hears of it.
    """

    def __init__(
        self,
        name: str,
        *,
        on_parent_failure: str | None = None,
        callback: NewJob | None = None,
        webhook: str | None = None,
    ) -> None:
        self.name = name
        self._steps: dict[str, dict[str, Any]] = {}
        self._more = {"on_parent_failure": on_parent_failure, "webhook": webhook}
        self._callback = callback

    def step(
        self,
        name: str,
        kind: str,
        payload: Any = None,
        *,
        after: Iterable[str] = (),
        before: Iterable[str] = (),
        on_parent_failure: str | None = None,
        **fields: Unpack[JobFields],
    ) -> Steps:
        """Add a step. `before` is for steps that are added to a workflow that runs: those of it that shall wait.

        Raises ValueError for a name that another has.
        """
        if name in self._steps:
            raise ValueError(f"there is a step {name!r} already")
        job: NewJob = {"kind": kind, "payload": payload, **fields}
        self._steps[name] = {"name": name, **job_document(job), "after": list(after)}
        if names := list(before):
            self._steps[name]["before"] = names
        if on_parent_failure is not None:
            self._steps[name]["on_parent_failure"] = on_parent_failure
        return (name,)

    def group(self, *steps: Steps, after: Iterable[str] = ()) -> Steps:
        """Let steps run side by side after others; return all of them."""
        names = tuple(name for some in steps for name in some)
        self._put_after(names, after)
        return names

    def chain(self, *steps: Steps, after: Iterable[str] = ()) -> Steps:
        """Let each of the steps, or groups of them, run after the one before; return the last."""
        before = tuple(after)
        for names in steps:
            self._put_after(names, before)
            before = names
        return before

    def chord(self, steps: Steps, join: Steps) -> Steps:
        """Let a step run after all of a group; return it."""
        self._put_after(join, steps)
        return join

    def document(self) -> dict[str, Any]:
        """Return what is sent."""
        more: dict[str, Any] = {name: value for name, value in self._more.items() if value is not None}
        if self._callback is not None:
            more["callback"] = job_document(self._callback)
        return {"name": self.name, "steps": list(self._steps.values()), **more}

    def _put_after(self, names: Iterable[str], after: Iterable[str]) -> None:
        parents = list(after)
        for name in names:
            known = self._steps[name]["after"]
            known += [parent for parent in parents if parent not in known]


class Holder(Protocol):
    """Who runs a step: the context of a handler."""

    @property
    def workflow_id(self) -> str | None: ...
    @property
    def job_id(self) -> str: ...
    @property
    def lease_token(self) -> str: ...


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step as the server shows it."""

    name: str
    job_id: str
    status: str | None
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkflowRecord:
    """A workflow as the server shows it. `counts` has steps by what they are; lists leave `steps` out."""

    id: str
    name: str
    status: str
    created_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, int]
    steps: tuple[StepRecord, ...]
    is_replayed: bool = False
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """A page of a list; `next_cursor` is None on the last one."""

    workflows: tuple[WorkflowRecord, ...]
    next_cursor: str | None


def read_workflow(document: Mapping[str, Any], *, is_replayed: bool = False) -> WorkflowRecord:
    """Return a workflow of an answer."""
    finished_at = document["finished_at"]
    return WorkflowRecord(
        id=document["id"],
        name=document["name"],
        status=document["status"],
        created_at=read_time(document["created_at"]),
        finished_at=read_time(finished_at) if finished_at else None,
        counts=document["counts"],
        steps=tuple(
            StepRecord(step["name"], step["job_id"], step["status"], tuple(step["after"]))
            for step in document.get("steps", ())
        ),
        is_replayed=is_replayed,
        document=document,
    )

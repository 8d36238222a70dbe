"""The span in which jobs are stored: they become a part of its trace. Where tracing is off there is none."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, cast

import msgspec

from jobs.domain.errors import IronForgeError
from jobs.domain.job import JobSpec
from jobs.domain.trace import TraceContext
from jobs.telemetry import tracing


class _Asked(Protocol):
    """A job to submit, or a step of a workflow."""

    @property
    def spec(self) -> JobSpec: ...


T = TypeVar("T", bound=_Asked)


class SubmitSpan:
    """Begins at once, and ends with a `with` block around the act of storing, or by `end`."""

    __slots__ = ("_job_id", "_span")

    def __init__(self, namespace: str, jobs: Sequence[_Asked], parent: TraceContext | None = None) -> None:
        """`parent` is where in a trace the asker is; what the running code is in counts more."""
        tracer = tracing.tracer()
        self._span = None if tracer is None else tracer.begin_submit([job.spec for job in jobs], namespace, parent)
        self._job_id = ""

    def jobs(self, jobs: Sequence[T]) -> Sequence[T]:
        """Return the jobs as parts of the trace."""
        if self._span is None:
            return jobs
        replace: Any = msgspec.structs.replace
        return [cast("T", replace(job, spec=self.of(job.spec))) for job in jobs]

    def of(self, spec: JobSpec) -> JobSpec:
        """Return one as a part of the trace."""
        trace = None if self._span is None else self._span.context
        return spec if trace is None else msgspec.structs.replace(spec, trace=trace)

    def named(self, job_id: str) -> None:
        """Note which job was stored, where it is one."""
        self._job_id = job_id

    def end(self, error: BaseException | None = None) -> None:
        """End it, the first time."""
        span, self._span = self._span, None
        if span is not None:
            span.end(job_id=self._job_id, error_type="" if error is None else _word_for(error))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self.end(error)


def _word_for(error: BaseException) -> str:
    return error.code if isinstance(error, IronForgeError) else type(error).__name__

"""An exception as the store keeps it: a short type, a message and a traceback that leads to the handler's own code."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

from jobs.domain.job import JobError
from workers.verdict import Stated

MAX_FRAMES = 40
# Set on an exception by what ran the code that raised it, where the class name alone says too little.
TYPE_MARK = "__ironforge_type__"
_HERE = Path(__file__).resolve().parent
_OURS = frozenset(str(_HERE / name) for name in ("execution.py", "middleware.py", "isolation/child.py"))
_LIBRARIES = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))


def report_of(error: BaseException, error_type: str | None = None) -> JobError:
    """Return the bounded report of an exception; `error_type`, or its `__ironforge_type__`, replaces its class name."""
    if isinstance(error, Stated):
        return plain_report(error.error_type, str(error))
    error_type = error_type or getattr(error, TYPE_MARK, None)
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 (an exception whose text cannot be made is still an exception)
        message = "(its message cannot be shown)"
    report = JobError(error_type or type(error).__name__, _clean(message), _clean(_traceback_of(error)))
    return report.bounded()


def plain_report(error_type: str, message: str) -> JobError:
    """Return a report of something that no exception tells."""
    return JobError(error_type, _clean(message)).bounded()


def _traceback_of(error: BaseException) -> str:
    try:
        told = traceback.TracebackException.from_exception(error, compact=True)
        _prune(told)
        return "".join(told.format())
    except Exception:  # noqa: BLE001 (the report must not fail where the job did)
        return ""


def _prune(told: traceback.TracebackException) -> None:
    """Drop the executor's frames; of a very deep stack keep the application's first frames and the last of all."""
    seen = told
    while seen is not None:
        frames = [frame for frame in seen.stack if frame.filename not in _OURS]
        if len(frames) > MAX_FRAMES:
            half = MAX_FRAMES // 2
            application = [frame for frame in frames[:-half] if not frame.filename.startswith(_LIBRARIES)]
            frames = application[:half] + frames[-half:]
        seen.stack[:] = frames
        seen = seen.__cause__ or seen.__context__  # type: ignore[assignment]


def _clean(text: str) -> str:
    # The store keeps UTF-8; a lone surrogate would make it refuse the whole batch of outcomes.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

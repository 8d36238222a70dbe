"""The stores' answers that services pass on as they are, for faces, which do not know the stores."""

from __future__ import annotations

from jobs.backends.base import SubmitCode, Submitted
from jobs.backends.overview import Overview
from jobs.backends.workflows import Place as WorkflowPlace

__all__ = ["Overview", "SubmitCode", "Submitted", "WorkflowPlace"]

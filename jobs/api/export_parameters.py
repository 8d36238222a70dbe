"""The parameters of an export beside its filters, for the OpenAPI document."""

from __future__ import annotations

from jobs.api.documented import Parameter
from jobs.domain.job_column import COLUMNS
from jobs.services.job_export import MAX_JOBS, ExportForm

EXPORT_PARAMETERS = (
    Parameter(
        "format",
        "How it is written.",
        {"type": "string", "enum": [str(form) for form in ExportForm], "default": "ndjson"},
    ),
    Parameter(
        "columns",
        f"Columns, separated by commas, of {', '.join(COLUMNS)}; all but payload and result if nothing is said.",
        {"type": "string"},
        example="id,kind,payload",
    ),
    Parameter("limit", "Jobs at most.", {"type": "integer", "minimum": 1, "maximum": MAX_JOBS, "default": MAX_JOBS}),
)

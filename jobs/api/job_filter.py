"""The query parameters that say which jobs are meant, the same for a list and an export."""

from __future__ import annotations

from jobs.api.query import Query
from jobs.domain import naming
from jobs.domain.error_group import is_group_id
from jobs.domain.job import MAX_TAG_NAME, MAX_TAG_VALUE, MAX_TAGS
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.services.job_list import JobFilter

FILTER_PARAMETERS = frozenset(
    {
        "status", "queue", "kind", "priority", "metadata", "error_type", "error", "error_group", "payload",
        "created_after", "created_before",
    }
)  # fmt: skip
REPEATABLE = frozenset({"metadata", "payload"})
_MAX_ERROR = 200


def read_job_filter(query: Query) -> JobFilter:
    """Return which jobs are meant; what is wrong stays with the query."""
    return JobFilter(
        status=query.choice("status", Status),
        queue=query.name("queue", naming.is_queue),
        kind=query.name("kind", naming.is_kind),
        priority=query.choice("priority", Priority),
        tags=query.texts("metadata", MAX_TAG_NAME + 1 + MAX_TAG_VALUE, MAX_TAGS),
        error_type=query.text("error_type", _MAX_ERROR),
        error=query.text("error", _MAX_ERROR),
        error_group=query.name("error_group", is_group_id),
        payload=query.matches("payload"),
        created_after=query.instant("created_after"),
        created_before=query.instant("created_before"),
    )

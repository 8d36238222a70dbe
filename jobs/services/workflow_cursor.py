"""Where a page of workflows ends, as text."""

from __future__ import annotations

import re

from jobs.domain.errors import InvalidInput, Problem
from jobs.services.answers import WorkflowPlace

_CURSOR = re.compile(r"(\d{1,15})~([0-9a-f-]{36})")


def cursor_of(place: WorkflowPlace | None) -> str | None:
    """Return the text of a place, None for the end of the list."""
    return None if place is None else f"{place.at:.0f}~{place.workflow_id}"


def place_of(cursor: str | None) -> WorkflowPlace | None:
    """Return the place of a text, None for the start. Raises InvalidInput."""
    if not cursor:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidInput([Problem("/cursor", "invalid_cursor", "cursor must be one that a page gave.")])
    return WorkflowPlace(float(found[1]), found[2])

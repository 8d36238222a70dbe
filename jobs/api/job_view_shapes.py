"""Saved views as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.domain.instant import text_of
from jobs.services.job_views import JobView


class ViewShape(msgspec.Struct, frozen=True):
    """A named list: `query` is that of the list's address, `owner` who keeps it; `own` is true for one's own."""

    name: str
    query: str
    shared: bool
    owner: str
    own: bool
    changed_at: str


class ViewListShape(msgspec.Struct, frozen=True):
    """One's own views and the shared ones, by name."""

    data: tuple[ViewShape, ...]


def view_shape(view: JobView) -> ViewShape:
    """Return a view."""
    return ViewShape(view.name, view.query, view.is_shared, view.owner, view.is_own, text_of(view.changed_at))

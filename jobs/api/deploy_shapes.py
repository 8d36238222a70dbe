"""Deploy marks as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.access.deploy import Deploy
from jobs.api.shapes import PageShape
from jobs.domain.instant import instant


class DeployShape(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the application that came at some time; `automatic` where a worker of it appeared unannounced."""

    id: str
    version: str
    at: str
    by: str
    note: str
    link: str
    automatic: bool


class DeployListShape(msgspec.Struct, frozen=True):
    """Marks, newest first."""

    data: tuple[DeployShape, ...]
    page: PageShape = PageShape()


def deploy_shape(row: Deploy) -> DeployShape:
    """Return a mark."""
    return DeployShape(
        id=str(row.pk),
        version=row.version,
        at=instant(row.at),
        by=row.by,
        note=row.note,
        link=row.link,
        automatic=row.is_automatic,
    )

"""API keys as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.instant import text_of
from jobs.services import keys


class ApiKeyShape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key without its text: `active`, `revoked` or `expired`. `key` is there once, in the answer that made it."""

    prefix: str
    name: str
    namespace: str
    scopes: tuple[str, ...]
    status: str
    created_at: str
    created_by: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None
    key: str | None = None


class ApiKeyListShape(msgspec.Struct, frozen=True):
    """All keys of the namespace, oldest first."""

    data: tuple[ApiKeyShape, ...]
    page: PageShape = PageShape()


def api_key_shape(details: keys.KeyDetails, text: str | None = None) -> ApiKeyShape:
    """Return a key; its text only where it was just made."""
    return ApiKeyShape(
        prefix=details.prefix,
        name=details.name,
        namespace=details.namespace,
        scopes=details.scopes,
        status=details.status,
        created_at=text_of(details.created_at),
        created_by=details.created_by,
        expires_at=text_of(details.expires_at) if details.expires_at else None,
        last_used_at=text_of(details.last_used_at) if details.last_used_at else None,
        revoked_at=text_of(details.revoked_at) if details.revoked_at else None,
        key=text,
    )

"""`/api-keys`: the keys of one's own namespace. The text of a key is in the answer that made it and nowhere else."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.access.scopes import KEY_SCOPES
from jobs.api.api_key_shapes import ApiKeyListShape, api_key_shape
from jobs.api.body import Fields, as_object, read_body, read_fields
from jobs.api.jobs import read_reason
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.services import keys

_NAME_LENGTH = 100
KEY_FIELDS = frozenset({"name", "scopes", "expires_days"})


class ApiKeysView(ApiView):
    """All keys of the namespace."""

    def get(self, request: Request) -> Response:
        """List them."""
        refuse_parameters(request)
        return Response(ApiKeyListShape(tuple(api_key_shape(key) for key in keys.list_keys(self.actor))))

    def post(self, request: Request) -> Response:
        """Make one."""
        refuse_parameters(request)
        taken: list[keys.KeyRequest] = []
        read_fields(as_object(read_body(request)), KEY_FIELDS, lambda fields: taken.append(read_key(fields)))
        minted = keys.mint(self.actor, taken[0])
        return Response(api_key_shape(minted.details, minted.text), status=201)


class ApiKeyView(ApiView):
    """One key."""

    def delete(self, request: Request, prefix: str) -> Response:
        """Revoke it."""
        refuse_parameters(request)
        return Response(api_key_shape(keys.revoke(self.actor, prefix, reason=read_reason(request))))


def read_key(fields: Fields, default: tuple[str, ...] = ()) -> keys.KeyRequest:
    """Return what a new key should be; with a default its scopes may be left out."""
    is_left_out = bool(default) and "scopes" not in fields.source
    scopes = default if is_left_out else tuple(fields.texts("scopes", len(KEY_SCOPES)))
    days = fields.source.get("expires_days")
    expires = None if days is None else fields.reader.integer("expires_days", 1, keys.MAX_EXPIRY_DAYS, 1)
    return keys.KeyRequest(fields.text("name", _NAME_LENGTH), scopes, expires)

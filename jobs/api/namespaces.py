"""`/namespaces`: the tenants, what they may have, and who belongs to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.access.scopes import KEY_SCOPES, Role, Scope
from jobs.api.api_key_shapes import api_key_shape
from jobs.api.api_keys import KEY_FIELDS, read_key
from jobs.api.body import Fields, as_object, read_body, read_fields, read_optional_object
from jobs.api.jobs import MAX_REASON, read_reason
from jobs.api.namespace_shapes import (
    CreatedNamespaceShape,
    MemberListShape,
    NamespaceListShape,
    member_shape,
    namespace_shape,
    whole_namespace_shape,
)
from jobs.api.query import Query, refuse_parameters
from jobs.api.shapes import PageShape
from jobs.api.view import ApiView
from jobs.domain.errors import Problem
from jobs.domain.field_reader import FieldReader
from jobs.domain.naming import is_namespace
from jobs.domain.quota import DEFAULT_WEIGHT, MAX_AGE_MS, MAX_PER_S, MOST, OwnRetention, Quota
from jobs.domain.sharing import MAX_WEIGHT
from jobs.services import members, namespace_deletion, namespaces
from jobs.services.keys import KeyRequest

_NAME_LENGTH = 63
_MAX_PAGE = 200
QUOTA_PARTS = {"jobs": MOST, "bytes": MOST, "submissions_per_s": MAX_PER_S, "running": MOST}
RETENTION_PARTS = {
    "ended_age_ms": MAX_AGE_MS,
    "ended_jobs": MOST,
    "dead_letter_age_ms": MAX_AGE_MS,
    "dead_letters": MOST,
}
_RULES = frozenset({"quota", "retention", "weight", "reason"})
TENANT_KEY_SCOPES = tuple(sorted(scope.value for scope in KEY_SCOPES - {Scope.INSTALLATION}))
Parts = dict[str, int | None]


@dataclass(slots=True)
class _Rules:
    """The parts of the rules that are named; `weight` None: it was not."""

    quota: Parts = field(default_factory=dict)
    retention: Parts = field(default_factory=dict)
    weight: int | None = None
    reason: str = ""


class NamespacesView(ApiView):
    """All namespaces that the caller reaches."""

    def get(self, request: Request) -> Response:
        """List them."""
        query = Query(request, frozenset({"limit", "cursor"}))
        limit = query.integer("limit", 1, _MAX_PAGE, _MAX_PAGE)
        after = query.name("cursor", is_namespace) or ""
        query.finish()
        found = namespaces.list_namespaces(self.actor, limit + 1, after)
        following = found[limit - 1].name if len(found) > limit else None
        return Response(NamespaceListShape(tuple(map(namespace_shape, found[:limit])), PageShape(following)))

    def post(self, request: Request) -> Response:
        """Make one."""
        refuse_parameters(request)
        names: list[str] = []
        firsts: list[KeyRequest | None] = []

        def take(fields: Fields) -> None:
            names.append(fields.text("name", _NAME_LENGTH))
            firsts.append(_first_key(fields))

        rules = _read_rules(as_object(read_body(request)), take)
        made = namespaces.create_namespace(
            self.actor,
            names[0],
            Quota(**rules.quota),
            OwnRetention(**rules.retention),
            weight=rules.weight or DEFAULT_WEIGHT,
            first_key=firsts[0],
            reason=rules.reason,
        )
        first = made.first_key
        key = None if first is None else api_key_shape(first.details, first.text)
        headers = {"Location": _address(request, names[0])}
        return Response(CreatedNamespaceShape(whole_namespace_shape(made.now), key), status=201, headers=headers)


class NamespaceView(ApiView):
    """One namespace."""

    def get(self, request: Request, namespace: str) -> Response:
        """Look at it."""
        refuse_parameters(request)
        return Response(whole_namespace_shape(namespaces.get_namespace(self.actor, namespace)))

    def patch(self, request: Request, namespace: str) -> Response:
        """Change what it may have."""
        refuse_parameters(request)
        rules = _read_rules(as_object(read_body(request)))
        now = namespaces.update_namespace(
            self.actor, namespace, rules.quota, rules.retention, weight=rules.weight, reason=rules.reason
        )
        return Response(whole_namespace_shape(now))

    def delete(self, request: Request, namespace: str) -> Response:
        """Begin to delete it."""
        refuse_parameters(request)
        given: list[str] = []

        def take(fields: Fields) -> None:
            given.extend(
                [fields.text("confirm", _NAME_LENGTH, default=""), fields.text("reason", MAX_REASON, default="")]
            )

        read_fields(read_optional_object(request), frozenset({"confirm", "reason"}), take)
        details = namespace_deletion.delete_namespace(self.actor, namespace, confirm=given[0], reason=given[1])
        return Response(namespace_shape(details), status=202, headers={"Location": _address(request, namespace)})


class MembersView(ApiView):
    """The people of a namespace."""

    def get(self, request: Request, namespace: str) -> Response:
        """List them."""
        refuse_parameters(request)
        return Response(MemberListShape(tuple(map(member_shape, members.list_members(self.actor, namespace)))))


class MemberView(ApiView):
    """One person of a namespace."""

    def put(self, request: Request, namespace: str, person: str) -> Response:
        """Give the person a role."""
        refuse_parameters(request)
        given: list[str] = []

        def take(fields: Fields) -> None:
            if "role" not in fields.source:
                fields.reader.refuse("role", "required", "role is required.")
            role = fields.reader.choice("role", tuple(role.value for role in Role), Role.VIEWER.value)
            given.extend([role, fields.text("reason", MAX_REASON, default="")])

        read_fields(as_object(read_body(request)), frozenset({"role", "reason"}), take)
        member, is_new = members.set_member(self.actor, namespace, person, Role(given[0]), reason=given[1])
        return Response(member_shape(member), status=201 if is_new else 200)

    def delete(self, request: Request, namespace: str, person: str) -> Response:
        """End the person's role."""
        refuse_parameters(request)
        members.remove_member(self.actor, namespace, person, reason=read_reason(request))
        return Response(status=204)


def _first_key(fields: Fields) -> KeyRequest | None:
    """Return the key to make with the namespace: of all that a tenant may do unless it says otherwise."""
    source = fields.source.get("key")
    if source is None:
        return None
    if not isinstance(source, dict):
        fields.reader.refuse("key", "invalid_type", "key must be an object.")
        return None
    inner = Fields(source)
    inner.reader.refuse_unknown(KEY_FIELDS)
    request = read_key(inner, default=TENANT_KEY_SCOPES)
    fields.problems.extend(Problem(f"/key{it.pointer}", it.code, it.detail) for it in inner.problems)
    return request


def _read_rules(source: dict[str, object], take_more: Callable[[Fields], None] | None = None) -> _Rules:
    """Return the rules that are named, and the reason. Raises InvalidInput."""
    rules = _Rules()

    def take(fields: Fields) -> None:
        if take_more is not None:
            take_more(fields)
        rules.quota = _parts(fields, "quota", QUOTA_PARTS)
        rules.retention = _parts(fields, "retention", RETENTION_PARTS)
        if "weight" in source:
            is_given = source["weight"] is not None
            rules.weight = fields.reader.integer("weight", 1, MAX_WEIGHT, 1) if is_given else DEFAULT_WEIGHT
        rules.reason = fields.text("reason", MAX_REASON, default="")

    read_fields(source, _RULES | ({"name", "key"} if take_more else set()), take)
    return rules


def _parts(fields: Fields, name: str, known: dict[str, int]) -> Parts:
    source = fields.source.get(name)
    if source is None:
        return {}
    if not isinstance(source, dict):
        fields.reader.refuse(name, "invalid_type", f"{name} must be an object.")
        return {}
    inner = FieldReader(source, f"/{name}", fields.problems, frozenset(known))
    return {
        part: None if source[part] is None else inner.integer(part, 0, most, 0)
        for part, most in known.items()
        if part in source
    }


def _address(request: Request, name: str) -> str:
    """Return the namespace's address under the prefix that the client uses."""
    match = request.resolver_match
    prefix = f"{match.namespace}:" if match is not None and match.namespace else ""
    return reverse(f"{prefix}api-namespace", args=[name])

"""Namespaces and their members as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.api_key_shapes import ApiKeyShape
from jobs.api.shapes import PageShape
from jobs.conf import conf
from jobs.domain.instant import text_of
from jobs.domain.quota import OwnRetention, Quota
from jobs.services.members import MemberDetails
from jobs.services.namespaces import NamespaceDetails, NamespaceNow


class DeletionShape(msgspec.Struct, frozen=True, kw_only=True):
    """How far the deletion is. Once `ended_at` is there, only the name is kept, for 28 hours."""

    since: str
    deleted_jobs: int
    ended_at: str | None


class NamespaceShape(msgspec.Struct, frozen=True, kw_only=True):
    """A namespace: `active`, `deleting` or `deleted`."""

    name: str
    status: str
    created_at: str
    deletion: DeletionShape | None


class UseShape(msgspec.Struct, frozen=True, kw_only=True):
    """What counts against the quota, and what is kept of what has ended."""

    jobs: int
    bytes: int
    running: int
    ended: int
    dead_letters: int


class WholeNamespaceShape(NamespaceShape, frozen=True, kw_only=True):
    """A namespace with its rules and their use. A null of `retention` is as everywhere, of `quota` not limited.

    `weight` is its part of workers that serve several namespaces.
    """

    quota: Quota
    retention: OwnRetention
    weight: int
    use: UseShape
    durability: str
    members: int
    keys: int


class CreatedNamespaceShape(msgspec.Struct, frozen=True):
    """A namespace that was just made and, where one was asked for, its first key, which is shown this once."""

    namespace: WholeNamespaceShape
    key: ApiKeyShape | None


class NamespaceListShape(msgspec.Struct, frozen=True):
    """The namespaces that the caller reaches."""

    data: tuple[NamespaceShape, ...]
    page: PageShape = PageShape()


class MemberShape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person and the role: `viewer`, `operator` or `admin`. `password` is there once, where the person was made."""

    name: str
    role: str
    since: str
    password: str | None = None


class MemberListShape(msgspec.Struct, frozen=True):
    """All members."""

    data: tuple[MemberShape, ...]
    page: PageShape = PageShape()


def namespace_shape(details: NamespaceDetails) -> NamespaceShape:
    """Return a namespace."""
    return NamespaceShape(
        name=details.name,
        status=details.status,
        created_at=text_of(details.created_at),
        deletion=_deletion(details),
    )


def whole_namespace_shape(now: NamespaceNow) -> WholeNamespaceShape:
    """Return a namespace with its use."""
    details, use = now.details, now.use
    return WholeNamespaceShape(
        name=details.name,
        status=details.status,
        created_at=text_of(details.created_at),
        deletion=_deletion(details),
        quota=use.quota,
        retention=use.retention,
        weight=use.weight,
        use=UseShape(
            jobs=use.jobs, bytes=use.bytes, running=use.running, ended=use.ended, dead_letters=use.dead_letters
        ),
        durability=conf().durability,
        members=now.members,
        keys=now.keys,
    )


def member_shape(member: MemberDetails) -> MemberShape:
    """Return a member."""
    return MemberShape(name=member.name, role=member.role.value, since=text_of(member.since), password=member.password)


def _deletion(details: NamespaceDetails) -> DeletionShape | None:
    if details.deleting_since is None:
        return None
    return DeletionShape(
        since=text_of(details.deleting_since),
        deleted_jobs=details.deleted_jobs,
        ended_at=text_of(details.deleted_at) if details.deleted_at else None,
    )

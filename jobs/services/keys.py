"""API keys: made, listed and revoked. A key's text is returned once, by `mint`, and kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.credentials import forget_keys
from jobs.access.key_text import new_key
from jobs.access.models import ApiKey, Namespace
from jobs.access.scopes import KEY_SCOPES, Action, Scope
from jobs.domain.errors import InvalidInput, NotFound, NotPermitted, Problem

MAX_EXPIRY_DAYS = 3_650
# Of a namespace, revoked ones left out.
MAX_KEYS = 1_000
_SHOWN_REVOKED = 100
_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a new key should be. `expires_days` of None: it never expires."""

    name: str
    scopes: tuple[str, ...]
    expires_days: int | None = None


@dataclass(frozen=True, slots=True)
class KeyDetails:
    """What may be told of a key."""

    name: str
    namespace: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def status(self) -> str:
        """Return `active`, `revoked` or `expired`."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= timezone.now():
            return "expired"
        return "active"


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key with its text, which cannot be had again."""

    details: KeyDetails
    text: str = field(repr=False)


def mint(actor: Actor, request: KeyRequest) -> MintedKey:
    """Make a key of the actor's namespace, with no scope that the actor lacks, unless it runs the installation.

    Raises NotPermitted, InvalidInput with all problems, or NotFound.
    """
    policy.authorize(actor, Action.KEY_MINT)
    problems = _problems_of(request)
    if problems:
        raise InvalidInput(problems)
    beyond = sorted(set(request.scopes) - {scope.value for scope in actor.scopes})
    if beyond and Scope.INSTALLATION not in actor.scopes:
        raise NotPermitted(f"A key gets no scope that its maker lacks: {', '.join(beyond)}.")
    namespace = Namespace.objects.filter(name=actor.namespace, deleting_since__isnull=True).first()
    if namespace is None:
        raise NotFound(f"There is no namespace {actor.namespace!r}.")
    if ApiKey.objects.filter(namespace=namespace, revoked_at__isnull=True).count() >= MAX_KEYS:
        detail = f"The namespace has {MAX_KEYS} keys already. Revoke those that nobody needs."
        raise InvalidInput([Problem("", "too_many_keys", detail)], code="too_many_keys")
    made = new_key()
    with transaction.atomic():
        row = ApiKey.objects.create(
            name=request.name.strip(),
            namespace=namespace,
            prefix=made.prefix,
            secret_hash=made.secret_hash,
            scopes=sorted(set(request.scopes)),
            created_by=actor.label,
            expires_at=None if request.expires_days is None else timezone.now() + timedelta(days=request.expires_days),
        )
        details = _details_of(row)
        audit.record(actor, Action.KEY_MINT, "key", made.prefix, after=_state_of(details))
    return MintedKey(details=details, text=made.text)


def list_keys(actor: Actor) -> list[KeyDetails]:
    """Return the keys of the actor's namespace, oldest first, with the 100 that were revoked last.

    The audit log has those before. Raises NotPermitted.
    """
    policy.authorize(actor, Action.KEY_READ)
    rows = ApiKey.objects.select_related("namespace").filter(namespace__name=actor.namespace)
    revoked = rows.filter(revoked_at__isnull=False).order_by("-revoked_at")[:_SHOWN_REVOKED]
    found = [*rows.filter(revoked_at__isnull=True), *revoked]
    return [_details_of(row) for row in sorted(found, key=lambda row: (row.created_at, row.pk))]


def revoke(actor: Actor, prefix: str, *, reason: str = "") -> KeyDetails:
    """Revoke a key of the actor's namespace; again is no error. Other processes follow within two seconds.

    Raises NotPermitted, or NotFound also for a key of another namespace.
    """
    policy.authorize(actor, Action.KEY_REVOKE)
    with transaction.atomic():
        # A text with NUL is the prefix of none, and no database takes it.
        rows = ApiKey.objects.select_for_update().filter(prefix=prefix.replace("\0", " "))
        row = rows.filter(namespace__name=actor.namespace).first()
        if row is None:
            raise NotFound(f"There is no key {prefix!r} in the namespace {actor.namespace!r}.")
        before = _details_of(row)
        if row.revoked_at is None:
            row.revoked_at = timezone.now()
            row.save(update_fields=["revoked_at"])
            after = _state_of(_details_of(row))
            audit.record(actor, Action.KEY_REVOKE, "key", prefix, reason=reason, before=_state_of(before), after=after)
    forget_keys()
    return _details_of(row)


def _problems_of(request: KeyRequest) -> list[Problem]:
    problems = []
    name = request.name.strip()
    if not name or len(name) > _NAME_LENGTH or not name.isprintable():
        problems.append(Problem("/name", "invalid_name", f"A name is 1 to {_NAME_LENGTH} printable characters."))
    known = {scope.value for scope in KEY_SCOPES}
    wrong = sorted(set(request.scopes) - known)
    if wrong:
        detail = f"No such scope for a key: {', '.join(wrong)}. There are: {', '.join(sorted(known))}."
        problems.append(Problem("/scopes", "unknown_scope", detail))
    if not request.scopes:
        problems.append(Problem("/scopes", "required", "A key needs at least one scope."))
    if request.expires_days is not None and not 1 <= request.expires_days <= MAX_EXPIRY_DAYS:
        detail = f"A key expires after 1 to {MAX_EXPIRY_DAYS} days, or never."
        problems.append(Problem("/expires_days", "out_of_range", detail))
    return problems


def _details_of(row: ApiKey) -> KeyDetails:
    return KeyDetails(
        name=row.name,
        namespace=row.namespace.name,
        prefix=row.prefix,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def _state_of(details: KeyDetails) -> dict[str, object]:
    """Return what the audit log keeps of a key."""
    expires_at = details.expires_at.isoformat() if details.expires_at else None
    return {
        "name": details.name,
        "scopes": list(details.scopes),
        "expires_at": expires_at,
        "status": details.status,
    }

"""People: the first administrator of a new installation, and signing in and out."""

from __future__ import annotations

import secrets

from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from jobs.access import audit, throttle
from jobs.access.actor import Actor, ActorKind, system_actor
from jobs.access.models import Membership, Namespace
from jobs.access.person import belongings
from jobs.access.scopes import Action, Role
from jobs.domain.errors import NotAuthenticated
from jobs.domain.naming import DEFAULT_NAMESPACE

FIRST_ADMIN = "admin"
_PASSWORD_BYTES = 15

_WRONG = "The name or the password is not right."
_ACCOUNT_LENGTH = 150
_PASSWORD_LENGTH = 1_000


def ensure_first_admin() -> str | None:
    """Make the user `admin` if there are no people yet, and return its random password; else None.

    The caller prints the password once; only its hash is kept. Of several processes that start together, one gets it.
    """
    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    # Takes long on purpose: not while others wait to write.
    hashed = make_password(password)
    try:
        with transaction.atomic():
            user = User.objects.create(username=FIRST_ADMIN, password=hashed, is_staff=True, is_superuser=True)
            namespace, _ = Namespace.objects.get_or_create(name=DEFAULT_NAMESPACE)
            Membership.objects.create(user=user, namespace=namespace, role=Role.ADMIN.value)
            actor = system_actor("first-run", DEFAULT_NAMESPACE)
            audit.record(actor, Action.PERSON_CREATE, "person", FIRST_ADMIN, after={"role": Role.ADMIN.value})
    except IntegrityError:
        return None
    return password


def is_first_run() -> bool:
    """Tell whether nobody has signed in yet, so that the login page can say where the password is."""
    return not User.objects.filter(last_login__isnull=False).exists()


def sign_in(account: str, password: str, address: str | None) -> User:
    """Return the person of this name and password; the login page then starts the session.

    Raises TooManyAttempts, or NotAuthenticated with one text whatever was wrong. `address` is the peer of the
    connection. All outcomes are in the audit log; of the refusals by the limit, the first of each minute.
    """
    attempts = throttle.count_attempt(account, address)
    if attempts > throttle.LIMIT:
        if attempts == throttle.LIMIT + 1:
            _record_failure(account, address, "too many attempts")
        raise throttle.too_many_attempts()
    user = None
    if len(account) <= _ACCOUNT_LENGTH and len(password) <= _PASSWORD_LENGTH and "\0" not in account:
        user = authenticate(username=account, password=password)
    if not isinstance(user, User):
        _record_failure(account, address, "wrong name or password")
        raise NotAuthenticated(_WRONG)
    throttle.forgive(account)
    audit.record(_visitor(user), Action.LOGIN, "person", user.get_username(), after={"address": address})
    return user


def sign_out(user: User) -> None:
    """Record that a person signed out; the page ends the session."""
    audit.record(_visitor(user), Action.LOGOUT, "person", user.get_username())


def _record_failure(account: str, address: str | None, reason: str) -> None:
    """Record a failed attempt. An unknown name is not written down: people type passwords into the wrong field."""
    user = None if "\0" in account else User.objects.filter(username=account[:_ACCOUNT_LENGTH]).first()
    actor = _visitor(user)
    audit.record(actor, Action.LOGIN_FAILED, "person", actor.name, reason=reason, after={"address": address})


def _visitor(user: User | None) -> Actor:
    """Return the actor of an act before or after a session: it may do nothing."""
    if user is None:
        return Actor(ActorKind.SESSION, "(unknown)", DEFAULT_NAMESPACE, frozenset())
    own = belongings(user)
    namespace = own[0].namespace if own else DEFAULT_NAMESPACE
    return Actor(ActorKind.SESSION, user.get_username(), namespace, frozenset(), str(user.pk))

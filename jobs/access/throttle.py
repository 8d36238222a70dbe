"""How often one may try to log in: ten times a minute for an account, and as often from one address.

Counted in the database, so that all server processes count together and a restart forgets nothing. An attempt is
counted before its password is looked at: parallel tries count too.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from ipaddress import ip_address, ip_network

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from jobs.access.models import LoginAttempts
from jobs.domain.errors import TooManyAttempts

LIMIT = 10
WINDOW = timedelta(minutes=1)

# Constant, so that it does not tell whether the account exists or which of the two limits was met.
_MESSAGE = "Too many attempts to sign in. Try again in a minute."

_FORGET_AFTER = timedelta(hours=1)
_IPV6_SITE_BITS = 64


def count_attempt(account: str, address: str | None) -> int:
    """Count one attempt to sign in, and return how many the account or the address made in its present minute.

    More than `LIMIT`: refuse with `too_many_attempts`. `address` is the peer of the connection, not a header that
    the caller wrote.
    """
    subjects = [_subject("account", account.strip().casefold())]
    if address:
        subjects.append(_subject("address", _site_of(address)))
    return max(_count(subject) for subject in subjects)


def too_many_attempts() -> TooManyAttempts:
    """Return the refusal of an attempt over the limit."""
    return TooManyAttempts(_MESSAGE, retry_after_s=int(WINDOW.total_seconds()))


def forgive(account: str) -> None:
    """Forget the attempts on an account whose password was just given. The address stays counted."""
    LoginAttempts.objects.filter(subject=_subject("account", account.strip().casefold())).delete()


def _count(subject: str) -> int:
    """Return how many attempts the subject has made in its present minute, this one included."""
    now = timezone.now()
    with transaction.atomic():
        LoginAttempts.objects.filter(started_at__lt=now - _FORGET_AFTER).delete()
        LoginAttempts.objects.bulk_create([LoginAttempts(subject=subject, started_at=now)], ignore_conflicts=True)
        row = LoginAttempts.objects.select_for_update().get(subject=subject)
        if row.started_at <= now - WINDOW:
            LoginAttempts.objects.filter(pk=row.pk).update(count=1, started_at=now)
            return 1
        LoginAttempts.objects.filter(pk=row.pk).update(count=F("count") + 1)
        return row.count + 1


def _subject(kind: str, name: str) -> str:
    """Hash the name: it may be long, and a password typed into the wrong field must not lie in the database."""
    return hashlib.sha256(f"{kind}:{name}".encode("utf-8", "surrogatepass")).hexdigest()


def _site_of(address: str) -> str:
    """Return what is counted as one address: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ip_network((parsed, _IPV6_SITE_BITS), strict=False))

"""Start-up checks of what would leave a server open to strangers: `manage.py check` shows them, the server obeys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004

from jobs.access.open_access import is_loopback
from jobs.conf import conf

_SECRET_LENGTH = 32
_SECRET_LETTERS = 8
_KNOWN_SECRETS = ("django-insecure-", "changeme", "secret", "insecure")


def refusals(host: str) -> list[str]:
    """Return why a server must not listen on `host`, each with its fix; empty when it may."""
    found: list[str] = []
    if is_loopback(host):
        return found
    if conf().is_debug:
        found.append(f"IRONFORGE_DEBUG is on and {host} can be reached by others: turn it off.")
    if _is_weak(str(settings.SECRET_KEY)):
        found.append(
            f"IRONFORGE_SECRET_KEY is short or well known and {host} can be reached by others: leave it empty, "
            "or set 50 random characters."
        )
    if conf().is_open:
        found.append(
            f"IRONFORGE_OPEN is on and {host} can be reached by others: turn it off and make a key with "
            "`.venv/bin/python manage.py ironforge_key mint`."
        )
    return found


@register(Tags.security)
def check_reach(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """Report what `refusals` finds on the address of the settings."""
    return [Error(text, id=f"ironforge.E00{number}") for number, text in enumerate(refusals(conf().host), 1)]


@register(Tags.security)
def check_settings(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn of what is likely a mistake but harms nobody else."""
    found: list[CheckMessage] = [
        Warning(
            f"{name} is not a setting of IronForge and does nothing.",
            hint="The settings are in docs/settings.md.",
            id="ironforge.W001",
        )
        for name in settings.IRONFORGE_UNKNOWN_VARIABLES
    ]
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Warning(
                "IRONFORGE_ALLOWED_HOSTS is *: any name that leads here is answered.",
                hint="Name the hosts that people use.",
                id="ironforge.W002",
            )
        )
    if not is_loopback(conf().host) and not conf().behind_tls:
        found.append(
            Warning(
                f"{conf().host} can be reached by others without TLS: keys and passwords travel in clear.",
                hint="Put a TLS proxy before it and set IRONFORGE_BEHIND_TLS=on.",
                id="ironforge.W003",
            )
        )
    return found


def _is_weak(secret: str) -> bool:
    if len(secret) < _SECRET_LENGTH or len(set(secret)) < _SECRET_LETTERS:
        return True
    return secret.lower().startswith(_KNOWN_SECRETS)

"""Prepares Django's database of a data directory: tables, a key, sessions of people. Prints them as JSON."""

from __future__ import annotations

import json
from importlib import import_module
from io import StringIO
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402

from jobs.access.models import Membership, Namespace  # noqa: E402
from jobs.access.scopes import Role  # noqa: E402
from jobs.domain.naming import DEFAULT_NAMESPACE  # noqa: E402
from jobs.services.people import FIRST_ADMIN, ensure_first_admin  # noqa: E402

PEOPLE = 10
SCOPES = "jobs:write,jobs:read,payload:read,leases"


def main() -> None:
    """Make all and print them."""
    call_command("migrate", verbosity=0, interactive=False)
    ensure_first_admin()
    answer = StringIO()
    call_command("ironforge_key", "mint", "--name", "benchmark", "--scopes", SCOPES, stdout=answer)
    key = next(word for word in answer.getvalue().split() if word.startswith("ifk_"))
    home = Namespace.objects.get(name=DEFAULT_NAMESPACE)
    people = [get_user_model().objects.get(username=FIRST_ADMIN)]
    for number in range(1, PEOPLE):
        people.append(get_user_model().objects.create_user(f"person-{number}"))
        Membership.objects.create(user=people[-1], namespace=home, role=(Role.VIEWER, Role.OPERATOR)[number % 2].value)
    print(json.dumps({"key": key, "cookies": [_cookie_of(person) for person in people]}))


def _cookie_of(user: Any) -> str:
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


if __name__ == "__main__":
    main()

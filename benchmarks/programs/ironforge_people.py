"""Prepares Django's database of a data directory: tables, a key, an administrator's session. Prints both as JSON."""

from __future__ import annotations

import json
from importlib import import_module
from io import StringIO

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402

from jobs.services.people import FIRST_ADMIN, ensure_first_admin  # noqa: E402

SCOPES = "jobs:write,jobs:read,payload:read,leases"


def main() -> None:
    """Make all three and print them."""
    call_command("migrate", verbosity=0, interactive=False)
    ensure_first_admin()
    answer = StringIO()
    call_command("ironforge_key", "mint", "--name", "benchmark", "--scopes", SCOPES, stdout=answer)
    key = next(word for word in answer.getvalue().split() if word.startswith("ifk_"))
    user = get_user_model().objects.get(username=FIRST_ADMIN)
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    print(json.dumps({"key": key, "cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}"}))


if __name__ == "__main__":
    main()

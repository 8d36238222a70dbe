"""Namespaces and people of a running installation, made in its own database, each with a session that has begun."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.processes.running import ROOT

ROLES = ("viewer", "operator", "admin")

# Runs in a process of the installation. A session that exists already spares each test a slow password hash.
_MAKE = """
import json
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from jobs.access.models import Membership, Namespace
def make(namespace, role):
    place, _ = Namespace.objects.get_or_create(name=namespace)
    user = User.objects.create_user(f"{namespace}-{role}")
    Membership.objects.create(user=user, namespace=place, role=role)
    return session_of(user)

def session_of(user):
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key

with transaction.atomic():
    keys = {f"{namespace}-{role}": make(namespace, role) for namespace in %(namespaces)r for role in %(roles)r}
    keys["root"] = session_of(User.objects.create_superuser("root"))
print("KEYS" + json.dumps(keys))
"""


@dataclass(frozen=True)
class Person:
    """Somebody with one role in one namespace, and the key of their session."""

    name: str
    namespace: str
    role: str
    session_key: str


def make_people(data_dir: Path, namespaces: tuple[str, ...]) -> dict[tuple[str, str], Person]:
    """Return a viewer, an operator and an admin of each namespace, by namespace and role.

    Under `("", "root")` is who runs the installation.
    """
    made = subprocess.run(
        [
            sys.executable,
            str(ROOT / "manage.py"),
            "shell",
            "-v",
            "0",
            "-c",
            _MAKE % {"namespaces": namespaces, "roles": ROLES},
        ],
        env={**os.environ, "IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": ""},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=200,
    )
    keys: dict[str, str] = json.loads(made.stdout.partition("KEYS")[2])
    root = {("", "root"): Person("root", "", "root", keys["root"])}
    return root | {
        (namespace, role): Person(f"{namespace}-{role}", namespace, role, keys[f"{namespace}-{role}"])
        for namespace in namespaces
        for role in ROLES
    }

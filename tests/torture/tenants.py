"""Prepares the database of a run: tables, and keys for each namespace that it is told. Prints the keys as JSON."""

from __future__ import annotations

import json
import sys
from io import StringIO

import django
from django.core.management import call_command

# Who asks → what for.
SCOPES = {
    "client": "jobs:write,jobs:read,payload:read,queues:operate",
    "worker": "leases",
    "admin": "admin",
    "installer": "admin,installation",
}


def main(namespaces: list[str]) -> None:
    """Make them all."""
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    print(json.dumps({ns: {who: _key(ns, scopes) for who, scopes in SCOPES.items()} for ns in namespaces}))


def _key(namespace: str, scopes: str) -> str:
    words = ("--name", "torture", "--scopes", scopes, "--create-namespace", "--namespace", namespace)
    answer = StringIO()
    call_command("ironforge_key", "mint", *words, stdout=answer, stderr=StringIO())
    return answer.getvalue().strip()


if __name__ == "__main__":
    main(sys.argv[1:])

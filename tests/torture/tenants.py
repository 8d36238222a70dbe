"""Prepares the database of a run: tables, and a key for each namespace that it is told. Prints the keys as JSON."""

from __future__ import annotations

import json
import sys
from io import StringIO

import django
from django.core.management import call_command

SCOPES = "jobs:write,jobs:read,payload:read,queues:operate"


def main(namespaces: list[str]) -> None:
    """Make them all."""
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    print(json.dumps({namespace: _key(namespace) for namespace in namespaces}))


def _key(namespace: str) -> str:
    words = ("--name", "torture", "--scopes", SCOPES, "--create-namespace", "--namespace", namespace)
    answer = StringIO()
    call_command("ironforge_key", "mint", *words, stdout=answer, stderr=StringIO())
    return answer.getvalue().strip()


if __name__ == "__main__":
    main(sys.argv[1:])

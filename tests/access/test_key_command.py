"""`manage.py ironforge_key`: mint, list and revoke from a terminal."""

from __future__ import annotations

import io
import secrets

import pytest
from django.core.management import CommandError, call_command

from jobs.access.actor import Actor, ActorKind, system_actor
from jobs.access.credentials import authenticate_key
from jobs.access.scopes import Scope
from jobs.domain.errors import NotAuthenticated, NotFound, NotPermitted
from jobs.services import keys

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ironforge_key", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_a_key_can_be_made_used_listed_and_revoked() -> None:
    text = run("mint", "--name", "ci", "--scopes", "jobs:write, jobs:read", "--expires-days", "90").strip()
    actor = authenticate_key(text)
    assert actor.scopes == {Scope.JOBS_WRITE, Scope.JOBS_READ}
    listed = run("list")
    assert actor.reference in listed
    assert "active" in listed
    assert text not in listed
    assert "Revoked" in run("revoke", actor.reference, "--reason", "test")
    with pytest.raises(NotAuthenticated):
        authenticate_key(text)
    assert "revoked" in run("list")


def test_standard_output_is_the_key_alone() -> None:
    assert run("mint", "--name", "ci").startswith("ifk_")
    assert len(run("mint", "--name", "ci").split()) == 1


def test_a_missing_namespace_is_refused_with_the_fix_and_can_be_made() -> None:
    name = f"t-{secrets.token_hex(4)}"
    with pytest.raises(CommandError, match="--create-namespace"):
        run("mint", "--name", "ci", "--namespace", name)
    assert (
        authenticate_key(run("mint", "--name", "ci", "--namespace", name, "--create-namespace").strip()).namespace
        == name
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("mint", "--name", "ci", "--scopes", "everything"),
        ("mint", "--name", "ci", "--scopes", "payload:reveal"),
        ("mint", "--name", "ci", "--scopes", ""),
        ("mint", "--name", " "),
        ("mint", "--name", "a\nb"),
        ("mint", "--name", "x" * 101),
        ("mint", "--name", "ci", "--expires-days", "0"),
        ("mint", "--name", "ci", "--expires-days", "99999999"),
        ("mint", "--name", "ci", "--namespace", "No Such", "--create-namespace"),
        ("revoke", "nosuchprefix"),
        ("revoke",),
        (),
    ],
)
def test_a_wrong_command_makes_nothing(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)
    assert keys.list_keys(system_actor("test", "default")) == []


def test_a_key_of_another_namespace_is_not_there() -> None:
    prefix = authenticate_key(run("mint", "--name", "ci").strip()).reference
    with pytest.raises(NotFound):
        keys.revoke(system_actor("test", "other"), prefix)


def test_keys_take_the_admin_scope() -> None:
    actor = Actor(ActorKind.KEY, "ci", "default", frozenset(Scope) - {Scope.ADMIN})
    for act in (
        lambda: keys.mint(actor, keys.KeyRequest("x", ("jobs:read",))),
        lambda: keys.list_keys(actor),
        lambda: keys.revoke(actor, "x"),
    ):
        with pytest.raises(NotPermitted, match="admin"):
            act()

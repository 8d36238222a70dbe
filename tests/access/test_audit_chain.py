"""The chain of the audit log: what is done to it behind IronForge's back is found, where it was done."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.access import audit
from jobs.access.actor import Actor, system_actor
from jobs.access.audit_chain import Head, hash_of
from jobs.access.models import AuditEntry, Namespace
from jobs.access.scopes import Action

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=6,
)


def verify(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ironforge_audit", "verify", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def write(actor: Actor, entries: int) -> list[AuditEntry]:
    return [audit.record(actor, Action.QUEUE_PAUSE, "queue", f"q{number}", reason="x") for number in range(entries)]


def behind_its_back() -> models.QuerySet[AuditEntry]:
    """Return the table as somebody sees it who has the database and none of this code."""
    return models.QuerySet(AuditEntry)


def rewrite(entries: list[AuditEntry]) -> None:
    """Make all hashes anew, as somebody would who knows how."""
    head = Head()
    for entry in entries:
        entry.position, entry.previous_hash = head.position + 1, head.hash
        entry.hash = hash_of(entry)
        head = Head(entry.position, entry.hash)
        new = {"position": entry.position, "previous_hash": entry.previous_hash, "hash": entry.hash}
        behind_its_back().filter(pk=entry.pk).update(reason=entry.reason, **new)


def test_entries_of_each_namespace_are_a_chain_of_their_own(system: Actor) -> None:
    other = system_actor("test", Namespace.objects.create(name=f"{system.namespace}-b").name)
    mine, others = write(system, 3), write(other, 2)
    mine += write(system, 1)
    assert [entry.position for entry in mine] == [1, 2, 3, 4]
    assert [entry.position for entry in others] == [1, 2]
    assert [entry.previous_hash for entry in mine] == ["", *(entry.hash for entry in mine[:-1])]
    assert verify("--namespace", system.namespace) == f"{system.namespace} 4 {mine[-1].hash}\n"
    assert len(verify().splitlines()) >= 2


def _change(entries: list[AuditEntry]) -> None:
    behind_its_back().filter(pk=entries[2].pk).update(actor="somebody else")


def _hide(entries: list[AuditEntry]) -> None:
    behind_its_back().filter(pk=entries[2].pk).delete()


def _change_and_hash(entries: list[AuditEntry]) -> None:
    entries[2].reason = "nothing"
    behind_its_back().filter(pk=entries[2].pk).update(reason="nothing", hash=hash_of(entries[2]))


def _move(entries: list[AuditEntry]) -> None:
    behind_its_back().filter(pk=entries[2].pk).update(at=entries[2].at.replace(year=2020))


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (_change, "entry 3 was changed"),
        (_move, "entry 3 was changed"),
        (_hide, "entry 3 is missing"),
        (_change_and_hash, "at entry 4 or before"),
    ],
)
def test_what_was_done_is_found_where_it_was_done(
    system: Actor, tamper: Callable[[list[AuditEntry]], None], told: str
) -> None:
    tamper(write(system, 5))
    with pytest.raises(CommandError, match=told):
        verify("--namespace", system.namespace)


def test_a_chain_written_anew_or_cut_does_not_reach_an_end_that_was_kept(system: Actor, tmp_path: Path) -> None:
    entries = write(system, 3)
    kept = tmp_path / "heads"
    kept.write_text(verify("--namespace", system.namespace))
    entries += write(system, 2)
    expect = ("--namespace", system.namespace, "--expect", str(kept))
    assert verify(*expect).split()[1] == "5"
    entries[1].reason = "nothing"
    rewrite(entries)
    assert verify("--namespace", system.namespace), "it fits itself"
    with pytest.raises(CommandError, match=r"written anew at entry 3 or before"):
        verify(*expect)
    entries[1].reason = "x"
    rewrite(entries)
    assert verify(*expect)
    behind_its_back().filter(position__gt=2, namespace=system.namespace).delete()
    with pytest.raises(CommandError, match=r"entry 3 and those behind it are gone"):
        verify(*expect)
    behind_its_back().filter(namespace=system.namespace).delete()
    with pytest.raises(CommandError, match=re.escape(f"{system.namespace}: entry 1 and those")):
        verify("--expect", str(kept))


@pytest.mark.parametrize("content", ["nonsense", "a 1", f"a 0 {'0' * 64}", f"a 1 {'g' * 64}"])
def test_a_file_of_something_else_is_refused(db: None, tmp_path: Path, content: str) -> None:
    (tmp_path / "f").write_text(content)
    with pytest.raises(CommandError, match=r"line 1 of .* is not what `verify` prints"):
        verify("--expect", str(tmp_path / "f"))
    with pytest.raises(CommandError, match="--expect"):
        verify("--expect", str(tmp_path / "missing"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    before=st.dictionaries(st.text(st.characters(codec="utf-8")), _JSON, max_size=3),
    reason=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=600),
)
def test_whatever_is_written_verifies_when_it_is_read_again(
    system: Actor, before: dict[str, object], reason: str
) -> None:
    audit.record(system, Action.JOB_CANCEL, "job", "j", reason=reason, before=before)
    verify("--namespace", system.namespace)


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_make_one_chain() -> None:
    name = Namespace.objects.create(name="t-many-writers").name
    actor = system_actor("test", name)

    def write_some() -> None:
        try:
            write(actor, 10)
        finally:
            connection.close()

    writers = [threading.Thread(target=write_some) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert verify("--namespace", name).split()[1] == "40"

"""The entries of the audit log that a filter finds, as lines of JSON or rows of CSV."""

from __future__ import annotations

import json
from dataclasses import asdict

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.models import AuditEntry
from jobs.access.scopes import Action
from jobs.domain.instant import text_of
from jobs.domain.job_column import csv_row
from jobs.services.acts import record_act
from jobs.services.audit_log import AuditFilter, list_entries
from jobs.services.job_export import ExportForm

MAX_ENTRIES = 10_000
_AT_ONCE = 200
_COLUMNS = (
    "position", "at", "actor", "actor_kind", "action", "target_kind", "target_id", "reason", "before", "after",
    "request_id", "previous_hash", "hash",
)  # fmt: skip


def export_entries(actor: Actor, wanted: AuditFilter, form: ExportForm) -> bytes:
    """Return up to MAX_ENTRIES entries, newest first, and leave an entry that says so.

    JSON ends with `{"end": {"entries": …, "more": …}}`; CSV has a last row `# more` if there are older ones. Raises
    NotPermitted.
    """
    policy.authorize(actor, Action.AUDIT_EXPORT)
    found: list[AuditEntry] = []
    cursor: str | None = ""
    while cursor is not None and len(found) < MAX_ENTRIES:
        page = list_entries(actor, wanted, cursor=cursor, limit=_AT_ONCE)
        found += page.entries
        cursor = page.next
    given = {name: value for name, value in asdict(wanted).items() if value}
    record_act(actor, Action.AUDIT_EXPORT, "audit", form.value, after={"filter": given, "entries": len(found)})
    return (
        _csv(found, is_cut=cursor is not None) if form is ExportForm.CSV else _lines(found, is_cut=cursor is not None)
    )


def _csv(entries: list[AuditEntry], *, is_cut: bool) -> bytes:
    rows = [csv_row(_COLUMNS), *(csv_row(map(_cell, _values(entry).values())) for entry in entries)]
    return b"".join([*rows, csv_row(["# more"])] if is_cut else rows)


def _lines(entries: list[AuditEntry], *, is_cut: bool) -> bytes:
    values: list[object] = [*map(_values, entries), {"end": {"entries": len(entries), "more": is_cut}}]
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()


def _values(entry: AuditEntry) -> dict[str, object]:
    return {name: text_of(entry.at) if name == "at" else getattr(entry, name) for name in _COLUMNS}


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

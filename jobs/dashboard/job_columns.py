"""The columns of the list of jobs: which there are, and which are shown. The kind with the id is always the first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `is_number` stands to the right, `share` is the class of one that shares what the others leave."""

    name: str
    label: object  # a text in the language of the reader
    is_number: bool = False
    share: str = ""


COLUMNS = {
    column.name: column
    for column in (
        Column("state", _("State")),
        Column("queue", _("Queue"), share="share"),
        Column("priority", _("Priority")),
        Column("attempts", _("Attempts"), is_number=True),
        Column("note", _("What happened"), share="share-most"),
        Column("submitted", _("Submitted"), is_number=True),
        Column("started", _("Started"), is_number=True),
        Column("ended", _("Ended"), is_number=True),
        Column("due", _("Due"), is_number=True),
        Column("ran", _("Ran for"), is_number=True),
        Column("tags", _("Tags"), share="share"),
        Column("worker", _("Worker"), share="share"),
        Column("id", _("Whole id")),
    )
}
_DEFAULT = ("state", "queue", "priority", "attempts", "note", "submitted")


def shown_columns(*choices: str) -> tuple[Column, ...]:
    """Return the columns of the first choice (names separated by commas) that names any, else the usual ones."""
    for choice in choices:
        if found := known_columns(choice.split(",")):
            return tuple(COLUMNS[name] for name in found)
    return tuple(COLUMNS[name] for name in _DEFAULT)


def known_columns(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that there are, each once, in the order of the table."""
    wanted = set(names)
    return tuple(name for name in COLUMNS if name in wanted)

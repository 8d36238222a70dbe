"""What the exports of the console have in common: the format that an address names, and the name of the file."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import QueryDict
from django.utils.translation import gettext as _

from jobs.domain.errors import InvalidInput, Problem
from jobs.services.job_export import ExportForm


def asked_form(query: QueryDict, errors: Mapping[str, str]) -> ExportForm:
    """Return the format. Raises InvalidInput for one that is none, and for filters with these errors."""
    problems = [Problem(f"?{name}", "invalid_filter", text) for name, text in errors.items()]
    named = query.get("format", ExportForm.CSV.value)
    if named not in set(ExportForm):
        problems.append(Problem("?format", "invalid_choice", _("Format: csv or ndjson.")))
    if problems:
        raise InvalidInput(problems)
    return ExportForm(named)


def named_file(namespace: str, what: str, form: ExportForm) -> dict[str, str]:
    """Return the headers that make a browser keep the answer as a file."""
    return {"Content-Disposition": f'attachment; filename="{namespace}-{what}.{form}"'}

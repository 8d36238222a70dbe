"""What a saved view of the list of jobs may be: a name and the query of the list's address."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from jobs.domain.errors import Problem

MAX_VIEWS = 50
MAX_NAME = 60
MAX_QUERY = 2_000
# The parameters of the list that are kept; not the place in it.
PARAMETERS = (
    "status", "queue", "kind", "priority", "tag", "error", "error_type", "error_group", "payload",
    "created_after", "created_before", "columns",
)  # fmt: skip


def name_problem(name: str) -> str:
    """Say what is wrong with a name; an empty text if nothing is."""
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or "/" in name or name != name.strip():
        return f"A name has 1–{MAX_NAME} characters that can be shown, none of them a slash."
    return ""


def read_view_query(text: str, problems: list[Problem]) -> str:
    """Return a query as it is kept, with each parameter once and in order; what is wrong is added to the problems."""
    try:
        given = parse_qsl(text.removeprefix("?"), strict_parsing=bool(text), max_num_fields=len(PARAMETERS))
    except ValueError:
        problems.append(Problem("/query", "invalid_query", "query is the query of a list's address."))
        return ""
    values = dict(given)
    unknown = [name for name in values if name not in PARAMETERS]
    if unknown:
        detail = f"query has parameters of {', '.join(PARAMETERS)}, each once."
        problems.append(Problem("/query", "unknown_parameter", detail))
    kept = urlencode({name: values[name] for name in PARAMETERS if values.get(name)})
    if len(kept) > MAX_QUERY or any("\0" in value for value in values.values()):
        problems.append(Problem("/query", "too_large", f"query has at most {MAX_QUERY} characters."))
    return kept

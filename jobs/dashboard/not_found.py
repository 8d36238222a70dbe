"""Any other address of the console: a page for people who are signed in, the login for the rest."""

from __future__ import annotations

from django.http import HttpResponse

from jobs.dashboard.visit import Visit, page
from jobs.domain.errors import NotFound


@page("", "Not found")
def show(visit: Visit, rest: str) -> HttpResponse:
    """Answer 404 inside the shell."""
    raise NotFound("There is no such page.")

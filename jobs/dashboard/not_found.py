"""Any other address of the console: a page for people who are signed in, the login for the rest."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from jobs.dashboard.visit import Visit, page
from jobs.domain.errors import NotFound

_TITLE = gettext_noop("Not found")


@page("", _TITLE)
def show(visit: Visit, rest: str) -> HttpResponse:
    """Answer 404 inside the shell."""
    raise NotFound(_("There is no such page."))

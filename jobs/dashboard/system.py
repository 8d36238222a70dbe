"""System: the store, what the checks find, settings with their source, versions."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from jobs.dashboard.visit import Visit, page
from jobs.services.system import look_at_system

_TITLE = gettext_noop("System")


@require_GET
@page("system", _TITLE)
def show(visit: Visit) -> HttpResponse:
    """Show the installation; also while the store is away."""
    found = look_at_system(visit.actor)
    context: dict[str, object] = {
        "system": found,
        "doubts": [finding for finding in found.findings if finding.level != "ok"],
        "passed": [finding for finding in found.findings if finding.level == "ok"],
        "given": [setting for setting in found.sources if setting.source != "default"],
        "usual": [setting for setting in found.sources if setting.source == "default"],
        "loops": sorted(found.health.loops.items()),
    }
    return visit.show("system/system.html", context)

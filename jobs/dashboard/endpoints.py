"""Acts on the bindings of kinds to URLs, which the page of webhooks lists."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from jobs.access import policy
from jobs.access.scopes import Action
from jobs.dashboard.look import answer_of
from jobs.dashboard.visit import Visit, page
from jobs.dashboard.webhooks import shown_once
from jobs.domain.endpoint import MAX_ENDPOINT_TIMEOUT_MS, MIN_ENDPOINT_TIMEOUT_MS
from jobs.domain.errors import InvalidInput, Problem
from jobs.outbound.posting import Unsent
from jobs.services import endpoints

_TITLE = gettext_noop("Webhooks")


@require_POST
@page("webhooks", _TITLE)
def bind(visit: Visit) -> HttpResponse:
    """Send the jobs of a kind to a URL."""
    policy.authorize(visit.actor, Action.ENDPOINT_BIND)  # before a word about the form
    form = visit.request.POST
    kind = form.get("kind", "").strip()
    bound = endpoints.bind_endpoint(
        visit.actor, kind, form.get("url", "").strip(), _limit_ms(form.get("timeout_ms", ""))
    )
    if bound.is_new:
        said = _("Bound %s. Workers follow within two seconds.")
    else:
        said = _("Changed where jobs of kind %s are sent. Workers follow within two seconds.")
    return shown_once(visit, said % kind, kind, bound.secret)


@require_POST
@page("webhooks", _TITLE)
def unbind(visit: Visit, kind: str) -> HttpResponse:
    """Send the jobs of a kind nowhere any more."""
    endpoints.unbind_endpoint(visit.actor, kind)
    return visit.done(_("Unbound %s.") % kind, reverse("console:webhooks"))


@require_POST
@page("webhooks", _TITLE)
def rotate(visit: Visit, kind: str) -> HttpResponse:
    """Make a new secret."""
    bound = endpoints.rotate_endpoint(visit.actor, kind)
    return shown_once(visit, _("Made a new secret for %s.") % kind, kind, bound.secret)


@require_POST
@page("webhooks", _TITLE)
def test(visit: Visit, kind: str) -> HttpResponse:
    """Send a signed test and say what came back."""
    came = endpoints.try_endpoint(visit.actor, kind)
    if isinstance(came, Unsent):
        lost = {"kind": kind, "why": answer_of(came.code)}
        visit.say(_("The test of %(kind)s got no answer: %(why)s.") % lost, messages.ERROR)
        return visit.back(reverse("console:webhooks"))
    answered = {"kind": kind, "status": came.status, "ms": came.duration_ms}
    said = _("The receiver of %(kind)s answered %(status)s in %(ms)s ms.") % answered
    visit.say(said, messages.SUCCESS if 200 <= came.status < 300 else messages.ERROR)
    return visit.back(reverse("console:webhooks"))


def _limit_ms(text: str) -> int:
    """Read a time limit. Raises InvalidInput."""
    if text.isascii() and text.isdigit() and MIN_ENDPOINT_TIMEOUT_MS <= int(text[:9]) <= MAX_ENDPOINT_TIMEOUT_MS:
        return int(text[:9])
    bounds = {"least": MIN_ENDPOINT_TIMEOUT_MS, "most": MAX_ENDPOINT_TIMEOUT_MS}
    detail = _("The time limit is %(least)s–%(most)s ms.") % bounds
    raise InvalidInput([Problem("/timeout_ms", "out_of_range", detail)])

"""Acts on the bindings of kinds to URLs, which the page of webhooks lists."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from jobs.access import policy
from jobs.access.scopes import Action
from jobs.dashboard.look import ANSWER
from jobs.dashboard.visit import Visit, page
from jobs.dashboard.webhooks import shown_once
from jobs.domain.endpoint import MAX_ENDPOINT_TIMEOUT_MS, MIN_ENDPOINT_TIMEOUT_MS
from jobs.domain.errors import InvalidInput, Problem
from jobs.outbound.posting import Unsent
from jobs.services import endpoints


@require_POST
@page("webhooks", "Webhooks")
def bind(visit: Visit) -> HttpResponse:
    """Send the jobs of a kind to a URL."""
    policy.authorize(visit.actor, Action.ENDPOINT_BIND)  # before a word about the form
    form = visit.request.POST
    kind = form.get("kind", "").strip()
    bound = endpoints.bind_endpoint(
        visit.actor, kind, form.get("url", "").strip(), _limit_ms(form.get("timeout_ms", ""))
    )
    said = f"Bound {kind}." if bound.is_new else f"Changed where jobs of kind {kind} are sent."
    return shown_once(visit, f"{said} Workers follow within two seconds.", kind, bound.secret)


@require_POST
@page("webhooks", "Webhooks")
def unbind(visit: Visit, kind: str) -> HttpResponse:
    """Send the jobs of a kind nowhere any more."""
    endpoints.unbind_endpoint(visit.actor, kind)
    return visit.done(f"Unbound {kind}.", reverse("console:webhooks"))


@require_POST
@page("webhooks", "Webhooks")
def rotate(visit: Visit, kind: str) -> HttpResponse:
    """Make a new secret."""
    bound = endpoints.rotate_endpoint(visit.actor, kind)
    return shown_once(visit, f"Made a new secret for {kind}.", kind, bound.secret)


@require_POST
@page("webhooks", "Webhooks")
def test(visit: Visit, kind: str) -> HttpResponse:
    """Send a signed test and say what came back."""
    came = endpoints.test_endpoint(visit.actor, kind)
    if isinstance(came, Unsent):
        messages.error(visit.request, f"The test of {kind} got no answer: {ANSWER.get(came.code, came.code)}.")
    elif 200 <= came.status < 300:
        messages.success(visit.request, f"The receiver of {kind} answered {came.status} in {came.duration_ms} ms.")
    else:
        messages.error(visit.request, f"The receiver of {kind} answered {came.status} in {came.duration_ms} ms.")
    return visit.back(reverse("console:webhooks"))


def _limit_ms(text: str) -> int:
    """Read a time limit. Raises InvalidInput."""
    if text.isascii() and text.isdigit() and MIN_ENDPOINT_TIMEOUT_MS <= int(text[:9]) <= MAX_ENDPOINT_TIMEOUT_MS:
        return int(text[:9])
    detail = f"The time limit is {MIN_ENDPOINT_TIMEOUT_MS}–{MAX_ENDPOINT_TIMEOUT_MS} ms."
    raise InvalidInput([Problem("/timeout_ms", "out_of_range", detail)])

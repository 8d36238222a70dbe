"""Signing in and out, and choosing a namespace."""

from __future__ import annotations

from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from jobs.access.person import NAMESPACE_KEY, belongings
from jobs.dashboard.visit import Visit, own_address, page
from jobs.domain.errors import NotAuthenticated, NotFound, TooManyAttempts
from jobs.domain.problem import status_of
from jobs.services import people

_TITLE = gettext_noop("Namespace")


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form, or start a session and lead to the page that was asked for."""
    goal = own_address(request, request.POST.get("next", request.GET.get("next", ""))) or reverse("console:overview")
    if request.user.is_authenticated:
        return redirect(goal)
    if request.method != "POST":
        return _form(request, goal)
    account = request.POST.get("account", "")
    try:
        user = people.sign_in(account, request.POST.get("password", ""), request.META.get("REMOTE_ADDR"))
    except (NotAuthenticated, TooManyAttempts) as refusal:
        response = _form(request, goal, account=account[:150], error=refusal.detail, status=status_of(refusal))
        if isinstance(refusal, TooManyAttempts):
            response["Retry-After"] = str(refusal.retry_after_s)
        return response
    login(request, user)
    return HttpResponseRedirect(goal, status=303)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    if isinstance(request.user, User):
        people.sign_out(request.user)
    logout(request)
    return HttpResponseRedirect(reverse("console:login"), status=303)


@require_POST
@page("overview", _TITLE)
def choose_namespace(visit: Visit) -> HttpResponse:
    """Look at another namespace of this person's from now on."""
    chosen = visit.request.POST.get("namespace", "")
    if chosen not in {place.namespace for place in belongings(visit.request.user)}:
        raise NotFound(_("There is no such namespace."))
    visit.request.session[NAMESPACE_KEY] = chosen
    return visit.back(reverse("console:overview"))


def _form(request: HttpRequest, goal: str, *, account: str = "", error: str = "", status: int = 200) -> HttpResponse:
    context = {"next": goal, "account": account, "error": error, "is_first_run": people.is_first_run()}
    return render(request, "login/login.html", context, status=status)

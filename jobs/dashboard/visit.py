"""One visit to a page: the person becomes an actor, errors become pages, and acts lead back to where they came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from jobs.access.actor import Actor
from jobs.access.person import NAMESPACE_KEY, belongings, home_of, session_actor
from jobs.dashboard.shell import Shell, shell_of
from jobs.domain.errors import (
    BackendUnavailable,
    InvalidInput,
    IronForgeError,
    NotFound,
    NotPermitted,
    StateConflict,
    TooManyAttempts,
)
from jobs.domain.problem import status_of


@dataclass(frozen=True, slots=True)
class Visit:
    """A request by a signed-in person who belongs somewhere."""

    request: HttpRequest
    actor: Actor
    shell: Shell

    @property
    def is_fragment(self) -> bool:
        """Tell whether htmx asks for the page without its shell."""
        return is_fragment(self.request)

    def show(self, template: str, context: dict[str, object] | None = None, status: int = 200) -> HttpResponse:
        """Answer with a page, or with its content alone if htmx asks."""
        layout = "fragment.html" if self.is_fragment else "base.html"
        values = {**(context or {}), "shell": self.shell, "layout": layout}
        return render(self.request, template, values, status=status)

    def done(self, text: str, otherwise: str) -> HttpResponse:
        """Say what was done and lead back."""
        messages.success(self.request, text)
        return self.back(otherwise)

    def back(self, otherwise: str) -> HttpResponse:
        """Lead to the page the form came from, or to `otherwise`; never to another site."""
        return HttpResponseRedirect(
            own_address(self.request, self.request.POST.get("back", "")) or otherwise, status=303
        )


View = Callable[..., HttpResponse]


def page(name: str, title: str) -> Callable[[View], View]:
    """Make a view of a function that takes a Visit: it sees only signed-in people, and its errors become pages."""

    def decorate(view: View) -> View:
        @wraps(view)
        def visited(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_login(request)
            places = belongings(request.user)
            if not places:
                return render(request, "states/homeless.html", status=403)
            actor = session_actor(request.user, home_of(places, request.session.get(NAMESPACE_KEY)))
            visit = Visit(request, actor, shell_of(request, actor, places, name, title))
            try:
                return view(visit, *args, **kwargs)
            except IronForgeError as error:
                return _refuse(visit, error)

        return visited

    return decorate


def is_fragment(request: HttpRequest) -> bool:
    """Tell whether htmx asks."""
    return request.headers.get("HX-Request") == "true"


def own_address(request: HttpRequest, address: str) -> str:
    """Return the address if it is one of the console, else an empty text."""
    is_plain = address.startswith(reverse("console:overview")) and "\\" not in address
    is_ours = is_plain and url_has_allowed_host_and_scheme(address, {request.get_host()})
    return address if is_ours else ""


def _to_login(request: HttpRequest) -> HttpResponse:
    here = request.get_full_path() if request.method == "GET" else reverse("console:overview")
    address = f"{reverse('console:login')}?{urlencode({'next': here})}"
    if is_fragment(request):
        # A redirect would put the login page inside the page: the whole page has to go there.
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


def _refuse(visit: Visit, error: IronForgeError) -> HttpResponse:
    """Answer an error of the tree: on the same page where an act was refused, else with a page of its own."""
    status = status_of(error)
    is_act = visit.request.method == "POST"
    if is_act and isinstance(error, BackendUnavailable):
        # The answer may have been lost, not the act. The page it leads back to says how things are.
        messages.error(visit.request, f"{error.detail} Look whether it was done before you repeat it.")
        return visit.back(reverse("console:overview"))
    if isinstance(error, BackendUnavailable):
        context: dict[str, object] = {"detail": error.detail, "retry_after_s": error.retry_after_s}
        response = visit.show("states/store_down.html", context, status)
        response["Retry-After"] = str(error.retry_after_s)
        return response
    if is_act and isinstance(error, (StateConflict, InvalidInput, NotFound, TooManyAttempts)):
        messages.error(visit.request, error.detail)
        return visit.back(reverse("console:overview"))
    title = {403: "Your role does not allow this", 404: "Not found"}.get(status, "This cannot be shown")
    if isinstance(error, NotPermitted):
        detail = f"You are {visit.shell.role} in {visit.shell.namespace}. Ask an administrator if you need this."
    else:
        detail = error.detail
    return visit.show("states/refused.html", {"code": status, "title": title, "detail": detail}, status)

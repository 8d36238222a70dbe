"""One visit to a page: the person becomes an actor, errors become pages, and acts lead back to where they came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _

from jobs.access import audit
from jobs.access.actor import Actor
from jobs.access.models import AuditEntry
from jobs.access.person import NAMESPACE_KEY, belongings, home_of, session_actor
from jobs.dashboard.look import word_of
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

_LONGEST_NUMBER = 7


@dataclass(frozen=True, slots=True)
class Visit:
    """A request by a signed-in person who belongs somewhere; `entries` is what it has left in the audit log so far."""

    request: HttpRequest
    actor: Actor
    shell: Shell
    entries: list[AuditEntry] = field(default_factory=list)

    @property
    def is_fragment(self) -> bool:
        """Tell whether htmx asks for the page without its shell."""
        return is_fragment(self.request)

    def show(self, template: str, context: dict[str, object] | None = None, status: int = 200) -> HttpResponse:
        """Answer with a page, or with its content alone if htmx asks."""
        layout = "fragment.html" if self.is_fragment else "base.html"
        values = {**(context or {}), "shell": self.shell, "layout": layout}
        return render(self.request, template, values, status=status)

    def say(self, text: str, level: int = messages.SUCCESS) -> None:
        """Say what was done, with a link to its entry in the audit log for who may read it."""
        number = self.entry_number
        messages.add_message(self.request, level, text, extra_tags="" if number is None else str(number))

    @property
    def entry_number(self) -> int | None:
        """Return the position of the newest entry that this visit left, None where the person may not look it up."""
        here = [entry.position for entry in self.entries if entry.namespace == self.actor.namespace]
        return here[-1] if here and self.shell.may.audit else None

    def done(self, text: str, otherwise: str) -> HttpResponse:
        """Say what was done and lead back."""
        self.say(text)
        return self.back(otherwise)

    def went_on(self, text: str, to: str) -> HttpResponse:
        """Say what was begun and lead to where it is followed."""
        self.say(text)
        return HttpResponseRedirect(to, status=303)

    def back(self, otherwise: str) -> HttpResponse:
        """Lead to the page the form came from, or to `otherwise`; never to another site."""
        return HttpResponseRedirect(
            own_address(self.request, self.request.POST.get("back", "")) or otherwise, status=303
        )


View = Callable[..., HttpResponseBase]


def page(name: str, title: str, *, is_alike: bool = False) -> Callable[[View], View]:
    """Make a view of a function that takes a Visit: it sees only signed-in people, and its errors become pages.

    With `is_alike` it shows the same to all who have the same rights in a namespace: it has nothing of the person.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def visited(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_login(request)
            places = belongings(request.user)
            if not places:
                return render(request, "states/homeless.html", status=403)
            actor = session_actor(request.user, home_of(places, request.session.get(NAMESPACE_KEY)))
            with audit.noting() as entries:
                visit = Visit(request, actor, shell_of(request, actor, places, name, title), entries)
                try:
                    return view(visit, *args, **kwargs)
                except IronForgeError as error:
                    return _refuse(visit, error)

        vars(visited)["is_alike"] = is_alike
        return visited

    return decorate


def page_number(query: QueryDict) -> int:
    """Return the page of a list that is asked for, from 1; what is no number is the first."""
    text = query.get("page", "")
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER else 1


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
        messages.error(visit.request, _("%s Look whether it was done before you repeat it.") % error.detail)
        return visit.back(reverse("console:overview"))
    if isinstance(error, BackendUnavailable):
        context: dict[str, object] = {"detail": error.detail, "retry_after_s": error.retry_after_s}
        response = visit.show("states/store_down.html", context, status)
        response["Retry-After"] = str(error.retry_after_s)
        return response
    if is_act and isinstance(error, (StateConflict, InvalidInput, NotFound, TooManyAttempts)):
        messages.error(visit.request, error.detail)
        return visit.back(reverse("console:overview"))
    titles = {403: _("Your role does not allow this"), 404: _("Not found")}
    title = titles.get(status) or _("This cannot be shown")
    if isinstance(error, NotPermitted):
        said = _("You are %(role)s in %(namespace)s. Ask an administrator if you need this.")
        detail = said % {"role": word_of(visit.shell.role), "namespace": visit.shell.namespace}
    else:
        detail = error.detail
    return visit.show("states/refused.html", {"code": status, "title": title, "detail": detail}, status)

"""What the palette offers: the pages, queues and acts that this person may reach. The browser narrows them."""

from __future__ import annotations

import msgspec
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from jobs.backends.overview import Overview
from jobs.dashboard.shell import Rights
from jobs.dashboard.visit import Visit, page
from jobs.domain.errors import BackendUnavailable
from jobs.services import queues

_TITLE = gettext_noop("Palette")

# A namespace may have a thousand; who has more than this types a name into the list's filter.
_MOST_QUEUES = 200


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: where it leads to, or with `post` what is sent there."""

    label: str
    group: str
    url: str
    post: bool = False


@require_GET
@page("overview", _TITLE)
def show(visit: Visit) -> HttpResponse:
    """Answer what there is, as JSON; without queues while the store is away."""
    items = [Item(section.label, _("Page"), section.url) for section in visit.shell.sections]
    items += _acts(visit.shell.may)
    try:
        items += _of_queues(queues.overview(visit.actor), may_pause=visit.shell.may.pause)
    except BackendUnavailable:
        items.append(Item(_("The store is away: queues are not shown."), _("Page"), reverse("console:overview")))
    body = msgspec.json.encode({"items": items, "find": reverse("console:find")})
    return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "no-store"})


def _acts(may: Rights) -> list[Item]:
    jobs, letters = reverse("console:jobs"), reverse("console:dead_letters")
    acts = [
        (may.bulk, _("Act on many jobs …"), f"{jobs}#bulk"),
        (may.bulk, _("Re-inject dead letters …"), letters),
        (True, _("Export jobs …"), f"{jobs}#export"),
        (True, _("Saved views of jobs …"), f"{jobs}#views"),
        (True, _("Choose the columns of jobs …"), f"{jobs}#columns"),
        (may.schedule, _("New schedule …"), reverse("console:schedule_new")),
        (may.bulk, _("Set an alert …"), reverse("console:alerts")),
        (may.order, _("Quiet or stop a worker …"), reverse("console:workers")),
        (may.endpoint, _("Bind a kind to a URL …"), reverse("console:webhooks")),
    ]
    return [Item(label, _("Act"), url) for is_allowed, label, url in acts if is_allowed]


def _of_queues(seen: Overview, *, may_pause: bool) -> list[Item]:
    items: list[Item] = []
    for queue in sorted(seen.queues, key=lambda queue: queue.name)[:_MOST_QUEUES]:
        name = queue.name
        items.append(Item(name, _("Queue"), reverse("console:queue", args=[name])))
        if may_pause:
            verb, label = (
                ("queue_resume", _("Resume queue %s")) if queue.pause else ("queue_pause", _("Pause queue %s"))
            )
            items.append(Item(label % name, _("Act"), reverse(f"console:{verb}", args=[name]), post=True))
    return items

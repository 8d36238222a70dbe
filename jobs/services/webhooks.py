"""The namespace's webhook: it hears of the ends of jobs, and its secret signs what jobs' own webhooks get as well."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.endpoint import WEBHOOK, Endpoint, Secret
from jobs.domain.errors import InvalidInput, NotFound, Problem
from jobs.domain.signature import new_secret
from jobs.domain.status import FINAL
from jobs.services.acts import record_act, require_audit_log
from jobs.services.endpoints import Bound, find_endpoint, now_ms, put_endpoint, require_target, state_of

_TARGET = "webhook"


def get_webhook(actor: Actor) -> Endpoint:
    """Return the webhook. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.WEBHOOK_READ)
    return _known(actor)


def set_webhook(actor: Actor, url: str, statuses: Sequence[str], *, reason: str = "") -> Bound:
    """Tell a URL of the ends of jobs from now on; the secrets of a webhook that is there stay.

    An empty URL makes but the secret that jobs' own webhooks need. Raises NotPermitted, InvalidInput (`invalid_url`,
    `blocked_address`, `invalid_choice`), or StateConflict `endpoint_changed`.
    """
    policy.authorize(actor, Action.WEBHOOK_SET)
    if set(statuses) - FINAL:
        detail = f"statuses are of {', '.join(sorted(FINAL))}."
        raise InvalidInput([Problem("/statuses", "invalid_choice", detail)])
    if url:
        require_target(url, "/url")
    require_audit_log()
    before, now = find_endpoint(actor, WEBHOOK), now_ms()
    secret = new_secret() if before is None else None
    fresh = Endpoint(kind=WEBHOOK, url="", secrets=(Secret(secret or ""),), created_by=actor.label, created_at=now)
    told = tuple(sorted(set(statuses))) if url else ()
    made = msgspec.structs.replace(before or fresh, url=url, statuses=told, changed_at=now)
    put_endpoint(actor, made, before)
    wiring.runner().run(wiring.backend().endpoints(actor.namespace).subscribe(told))
    after = {"url": url.partition("?")[0], "statuses": list(told)}
    record_act(actor, Action.WEBHOOK_SET, _TARGET, actor.namespace, reason=reason, before=state_of(before), after=after)
    return Bound(made, secret, is_new=before is None)


def remove_webhook(actor: Actor, *, reason: str = "") -> None:
    """Tell nobody any more; what is on its way is given up. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.WEBHOOK_REMOVE)
    before = _known(actor)
    require_audit_log()
    endpoints = wiring.backend().endpoints(actor.namespace)
    wiring.runner().run(endpoints.subscribe(()))
    wiring.runner().run(endpoints.unbind(WEBHOOK))
    record_act(actor, Action.WEBHOOK_REMOVE, _TARGET, actor.namespace, reason=reason, before=state_of(before))


def rotate_webhook(actor: Actor, *, reason: str = "") -> Bound:
    """Make a new secret; the one before is signed with for another day, beside it.

    Raises NotPermitted, NotFound, or StateConflict `endpoint_changed`.
    """
    policy.authorize(actor, Action.WEBHOOK_ROTATE)
    before = _known(actor)
    require_audit_log()
    secret = new_secret()
    made = before.rotated(secret, now_ms())
    put_endpoint(actor, made, before)
    record_act(actor, Action.WEBHOOK_ROTATE, _TARGET, actor.namespace, reason=reason)
    return Bound(made, secret)


def _known(actor: Actor) -> Endpoint:
    found = find_endpoint(actor, WEBHOOK)
    if found is None:
        raise NotFound("The namespace has no webhook.")
    return found

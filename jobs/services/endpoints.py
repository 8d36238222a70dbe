"""Kinds that are bound to URLs: bound, listed, tried out and given new secrets.

A secret is returned once, by the act that made it. The store keeps it, for workers sign with it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import msgspec

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.conf import conf
from jobs.domain.endpoint import MAX_ENDPOINTS, WEBHOOK, Endpoint, Secret
from jobs.domain.errors import InvalidInput, NotFound, Problem, StateConflict
from jobs.domain.naming import KIND, is_kind, is_reserved
from jobs.domain.signature import new_secret, signed_headers
from jobs.domain.target import InvalidTarget, read_target
from jobs.outbound.metered import TooSlow
from jobs.outbound.posting import Answer, Unsent, post
from jobs.outbound.resolving import UnknownHost
from jobs.outbound.rules import BlockedAddress, Rules, rules_of
from jobs.services.acts import record_act, require_audit_log

_TEST_LIMIT_S = 10.0
# At saving: what the look says then is for the user alone.
_LOOKUP_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Bound:
    """A binding after an act; `secret` is there when the act made one."""

    endpoint: Endpoint
    secret: str | None = field(default=None, repr=False)
    is_new: bool = False


def list_endpoints(actor: Actor) -> list[Endpoint]:
    """Return the bindings of the namespace, by kind. Raises NotPermitted."""
    policy.authorize(actor, Action.ENDPOINT_READ)
    return [endpoint for endpoint in _all(actor) if endpoint.kind != WEBHOOK]


def get_endpoint(actor: Actor, kind: str) -> Endpoint:
    """Return the binding of a kind. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.ENDPOINT_READ)
    return _known(actor, kind)


def bind_endpoint(actor: Actor, kind: str, url: str, timeout_ms: int, *, reason: str = "") -> Bound:
    """Send the jobs of a kind to a URL from now on; a binding that is there keeps its secrets.

    Raises NotPermitted, InvalidInput (`invalid_name`, `reserved_name`, `invalid_url`, `blocked_address`,
    `too_many_endpoints`), or StateConflict `endpoint_changed`.
    """
    policy.authorize(actor, Action.ENDPOINT_BIND)
    _require_kind(kind)
    require_target(url, "/url")
    require_audit_log()
    before, now = find_endpoint(actor, kind), now_ms()
    secret = new_secret() if before is None else None
    if before is None:
        made = Endpoint(
            kind=kind,
            url=url,
            secrets=(Secret(secret or ""),),
            timeout_ms=timeout_ms,
            created_by=actor.label,
            created_at=now,
            changed_at=now,
        )
    else:
        made = msgspec.structs.replace(before, url=url, timeout_ms=timeout_ms, changed_at=now)
    put_endpoint(actor, made, before)
    record_act(
        actor, Action.ENDPOINT_BIND, "endpoint", kind, reason=reason, before=state_of(before), after=state_of(made)
    )
    return Bound(made, secret, is_new=before is None)


def unbind_endpoint(actor: Actor, kind: str, *, reason: str = "") -> None:
    """Send the jobs of a kind nowhere any more. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.ENDPOINT_UNBIND)
    before = _known(actor, kind)
    require_audit_log()
    wiring.runner().run(wiring.backend().endpoints(actor.namespace).unbind(kind))
    record_act(actor, Action.ENDPOINT_UNBIND, "endpoint", kind, reason=reason, before=state_of(before))


def rotate_endpoint(actor: Actor, kind: str, *, reason: str = "") -> Bound:
    """Make a new secret; the one before is signed with for another day, beside it.

    Raises NotPermitted, NotFound, or StateConflict `endpoint_changed`.
    """
    policy.authorize(actor, Action.ENDPOINT_ROTATE)
    before = _known(actor, kind)
    require_audit_log()
    secret = new_secret()
    made = before.rotated(secret, now_ms())
    put_endpoint(actor, made, before)
    record_act(actor, Action.ENDPOINT_ROTATE, "endpoint", kind, reason=reason)
    return Bound(made, secret)


def try_endpoint(actor: Actor, kind: str, *, reason: str = "") -> Answer | Unsent:
    """Send a signed test and return what came back. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.ENDPOINT_TEST)
    endpoint = _known(actor, kind)
    require_audit_log()
    now = now_ms()
    body = msgspec.json.encode({"type": "ironforge.test", "kind": kind})
    headers = signed_headers(endpoint.valid_secrets(now), wiring.identity().make(), now // 1000, body)
    headers |= {"ironforge-kind": kind, "ironforge-namespace": actor.namespace, "ironforge-test": "true"}
    answer = post(endpoint.url, body, headers, min(endpoint.timeout_ms / 1000, _TEST_LIMIT_S), rules())
    told = {"status": answer.status} if isinstance(answer, Answer) else {"code": answer.code}
    record_act(actor, Action.ENDPOINT_TEST, "endpoint", kind, reason=reason, after=told)
    return answer


def require_target(url: str, pointer: str) -> None:
    """Pass if a request may be sent to a URL, as far as is known now: a name may lead elsewhere when one is sent.

    Raises InvalidInput `invalid_url` or `blocked_address` at the pointer.
    """
    try:
        rules().addresses_of(read_target(url), time.monotonic() + _LOOKUP_LIMIT_S)
    except InvalidTarget as wrong:
        raise InvalidInput([Problem(pointer, "invalid_url", str(wrong))], code="invalid_url") from None
    except BlockedAddress as blocked:
        detail = f"{blocked} The setting IRONFORGE_PUSH_ALLOW opens networks."
        raise InvalidInput([Problem(pointer, "blocked_address", detail)], code="blocked_address") from None
    except (UnknownHost, TooSlow):
        pass  # perhaps not yet: what counts is where it leads when something is sent


def rules() -> Rules:
    """Return where requests of this installation may go."""
    return rules_of(conf().push_allow, conf().allowed_hosts)


def _all(actor: Actor) -> list[Endpoint]:
    return wiring.runner().run(wiring.backend().endpoints(actor.namespace).all())


def find_endpoint(actor: Actor, kind: str) -> Endpoint | None:
    """Return a binding; None if there is none. Authorizes nothing."""
    return next((endpoint for endpoint in _all(actor) if endpoint.kind == kind), None)


def _known(actor: Actor, kind: str) -> Endpoint:
    found = find_endpoint(actor, kind)
    if found is None or kind == WEBHOOK:
        raise NotFound(f"The kind {kind[:64]!r} is bound to no URL.")
    return found


def put_endpoint(actor: Actor, made: Endpoint, before: Endpoint | None) -> None:
    """Put a binding in the place of another. Authorizes nothing. Raises StateConflict or InvalidInput."""
    code = wiring.runner().run(wiring.backend().endpoints(actor.namespace).bind(made, before))
    if code == "changed":
        raise StateConflict("Somebody else changed the binding just now: look at it again.", code="endpoint_changed")
    if code == "too_many":
        detail = f"The namespace has {MAX_ENDPOINTS} bound kinds already."
        raise InvalidInput([Problem("", "too_many_endpoints", detail)], code="too_many_endpoints")


def _require_kind(kind: str) -> None:
    if not is_kind(kind):
        raise InvalidInput([Problem("", "invalid_name", f"A kind must match ^{KIND.pattern}$.")])
    if is_reserved(kind):
        raise InvalidInput([Problem("", "reserved_name", "Kinds that begin with `ironforge.` are IronForge's own.")])


def state_of(endpoint: Endpoint | None) -> dict[str, object] | None:
    """Return what the audit log keeps of a binding: of its URL the part that holds no key."""
    if endpoint is None:
        return None
    return {"url": endpoint.url.partition("?")[0], "timeout_ms": endpoint.timeout_ms}


def now_ms() -> int:
    """Return the time of this machine, which secrets end by (Unix ms)."""
    return int(time.time() * 1000)

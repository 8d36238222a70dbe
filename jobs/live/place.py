"""What somebody looks at: a page of the console with the eyes of a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from django.urls import Resolver404, ResolverMatch, resolve

from jobs.access.scopes import Scope
from jobs.conf import conf
from jobs.live.admission import Listener

LONGEST_ADDRESS = 900


class Wish(msgspec.Struct, frozen=True, tag_field="type", tag="look"):
    """What a page says of itself: its address; whose changes concern it, all, those of one queue, of one job, or none;
    and after how many seconds it is to be looked at anew whatever happens, 0 for never."""

    at: str
    live: Literal["all", "queue", "job", "clock"] = "all"
    of: str = ""
    every: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 0


@dataclass(frozen=True, slots=True)
class Place:
    """All that a page depends on, so that those who look at the same place see the same page.

    `person` is empty where the page has nothing of who looks but what they may do.
    """

    namespace: str
    scopes: frozenset[Scope]
    person: str
    language: str
    scheme: str
    host: str
    wish: Wish


def match_of(address: str) -> ResolverMatch | None:
    """Return the view of an address of the console; None where there is none."""
    prefix = conf().base_path
    path = address.partition("?")[0]
    if len(address) > LONGEST_ADDRESS or not path.startswith(f"{prefix}/"):
        return None
    try:
        match = resolve(path.removeprefix(prefix))
    except Resolver404:
        return None
    return match if match.namespace == "console" else None


def place_of(listener: Listener, wish: Wish, language: str, scheme: str, host: str) -> Place | None:
    """Return where a listener looks; None where nothing can be shown."""
    match = match_of(wish.at)
    if match is None:
        return None
    person = "" if getattr(match.func, "is_alike", False) else listener.person
    return Place(listener.namespace, listener.scopes, person, language, scheme, host, wish)

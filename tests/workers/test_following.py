"""Which namespaces a worker serves: those that are named, or those that servers tell."""

from __future__ import annotations

import pytest

from jobs import wiring
from workers.following import LOOK_EVERY_S, Following
from workers.options import BadOption, parse_options


@pytest.mark.usefixtures("_store_server")
def test_what_servers_told_is_looked_at_now_and_then() -> None:
    now = [0.0]
    following = Following(lambda: now[0])
    wiring.tell_namespaces(["shop", "crm"])
    try:
        assert following() == {"default", "shop", "crm"}
        wiring.tell_namespaces(["shop"])
        assert following() is None
        now[0] += LOOK_EVERY_S
        assert following() == {"default", "shop"}
    finally:
        wiring.tell_namespaces([])


@pytest.mark.parametrize("text", ["", ",", "No", "a,No", "a,all", "all,a", "a b"])
def test_what_names_no_namespaces_is_refused(text: str) -> None:
    with pytest.raises(BadOption, match="--namespace"):
        parse_options(text, "main", 1, 1, 1)


def test_namespaces_are_one_several_or_all() -> None:
    assert parse_options("b, a,b", "main", 1, 1, 1).namespaces == ("b", "a")
    assert parse_options("a", "main", 1, 1, 1).namespace == "a"
    everything = parse_options("all", "main", 1, 1, 1)
    assert (everything.is_all, everything.namespaces) == (True, ())
    with pytest.raises(BadOption, match="--burst"):
        parse_options("all", "main", 1, 1, 1, is_burst=True)

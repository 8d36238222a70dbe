"""Namespaces and keys through both clients, on a server that asks for keys."""

from __future__ import annotations

import pytest

from ironforge_client import Client, NotAuthenticated, NotFound, NotPermitted, TooManyRequests
from tests.client.conftest import Blocking
from tests.stores import random_namespace

CLIENTS = [Client, Blocking]


@pytest.mark.parametrize("make", CLIENTS)
def test_a_namespace_and_its_keys_from_the_beginning_to_the_end(url: str, root_key: str, make: type[Client]) -> None:
    name, root = random_namespace(), make(url, root_key)
    made = root.create_namespace(name, quota={"jobs": 1}, key_name="first")
    assert made.first_key is not None
    assert made.first_key.text not in repr(made)
    theirs = make(url, made.first_key.text, retries=0)
    theirs.submit("demo.echo")
    with pytest.raises(TooManyRequests) as refusal:
        theirs.submit("demo.echo")
    assert (refusal.value.code, refusal.value.errors[0].code) == ("quota_exceeded", "stored_jobs")
    changed = root.change_namespace(name, quota={"jobs": None}, weight=4)
    assert (changed.quota["jobs"], changed.weight, made.weight) == (None, 4, 1)
    with pytest.raises(NotPermitted):
        theirs.change_namespace(name, quota={"jobs": None})
    key = theirs.create_api_key("ci", ["jobs:read"], expires_days=3)
    assert [found.prefix for found in theirs.api_keys()] == [made.first_key.prefix, key.prefix]
    assert theirs.revoke_api_key(key.prefix).status == "revoked"
    assert theirs.namespace(name).use["jobs"] == 1
    with pytest.raises(NotFound):
        theirs.namespace("default")
    root.delete_namespace(name)
    assert root.namespace(name).status == "deleting"
    revoked = make(url, key.text)
    with pytest.raises(NotAuthenticated):
        revoked.api_keys()
    for client in (root, theirs, revoked):
        client.end() if isinstance(client, Blocking) else client.close()

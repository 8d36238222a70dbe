"""Which of very many like cases `make test` tries; `make test-long` tries them all.

A case is chosen by its name, so that each run and each process chooses alike, and a new case is as likely as any.
"""

from __future__ import annotations

import zlib

import pytest

# The same Lua runs on a Cluster: what differs there is the way of a call, which each kind of call has in common.
MASTERS = "three masters"
# What one lane asks of services and store, the other asks too.
CONTROL = "control-plane"
# These prove what one lane alone does, or who may do what.
WHOLE = ("test_isolation", "test_outage", "test_openapi", "test_one_lane", "test_tenants", "test_who")
# Rows of large tables over both lanes: each is cheap, and there are hundreds.
ONE_OF = {
    "api/test_store_faults.py": 8,
    "api/test_addresses.py": 6,
    "api/test_scopes.py::test_a_missing_scope": 4,
    "api/test_fuzz.py::test_what_the_document": 4,
    "hostile/test_bodies.py::test_what_is_no_json": 8,
    "hostile/test_bodies.py::test_one_byte": 8,
    "hostile/test_bodies.py::test_another_type": 4,
    "hostile/test_bodies.py::test_no_form": 4,
    "hostile/test_documented.py::test_every_answer": 2,
    "hostile/test_headers.py::test_every_answer_to_a_stranger": 3,
    "hostile/test_server.py::test_a_": 4,
    "hostile/test_server.py::test_what_stands": 4,
}


def share_of(item: pytest.Item) -> int:
    """Return N where one of N cases like this one is enough."""
    if any(name in item.nodeid for name in WHOLE):
        return 1
    if MASTERS in item.nodeid:
        return 8
    table = next((share for name, share in ONE_OF.items() if name in item.nodeid), 1)
    return max(table, 3 if CONTROL in item.nodeid else 1)


def mark_the_rest(items: list[pytest.Item]) -> None:
    """Leave the cases that were not chosen to the long form."""
    for item in items:
        if zlib.crc32(item.nodeid.encode()) % share_of(item):
            item.add_marker(pytest.mark.long)

"""Puts the longest test of all first, so that no other process waits for it at the end."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the runs of a minute to the front; the order of the others stays."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/torture/test_torture.py"))

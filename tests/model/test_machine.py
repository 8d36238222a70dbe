"""Any sequence of calls leaves every job as the reference model says, and moves it only as the table allows."""

from __future__ import annotations

import pytest

from tests.model.machine import Store
from tests.model.walk import Size, walk, walks


@walks(short=(30, 50), long=(500, 50))
@pytest.mark.usefixtures("_store_server")
def test_the_store_agrees_with_the_model(size: Size) -> None:
    walk(Store, size)

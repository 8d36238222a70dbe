"""Each setting with where its value comes from, fit to be shown: secrets are not in it."""

from __future__ import annotations

from ironforge_site import environment
from ironforge_site.setting_row import Row

# name, value (empty: none, or a secret), source, default, whether it is a secret
Told = tuple[str, str, str, str, bool]


def told() -> tuple[Told, ...]:
    """Return every setting in the order of the documentation; its source is environment, file or default."""
    given = environment.given()
    return tuple(_told(row, given.get(row.name)) for row in environment.rows())


def _told(row: Row, given: str | None) -> Told:
    # Without one in the environment the key is made once, and kept in the data directory.
    kept = "file" if row.name == "IRONFORGE_SECRET_KEY" else "default"
    source = kept if given is None else "environment"
    value = "" if row.is_secret else row.default if given is None else given
    return row.name, value, source, row.default, row.is_secret

"""Looks for the packages of IRONFORGE_HANDLERS before Django loads them: its own refusal is a traceback."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from ironforge_site.environment import BadSetting


def require(packages: Sequence[str]) -> None:
    """Raise BadSetting for the first package that is not where Python looks. None is imported, but parents are."""
    for name in packages:
        try:
            found = find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise BadSetting(
                f"IRONFORGE_HANDLERS: there is no package {name!r} in the project's folder or on PYTHONPATH"
            )

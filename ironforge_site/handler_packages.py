"""Looks for packages that settings ask for before anybody loads them: Python's own refusal is a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from ironforge_site.environment import BadSetting, Environment


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


def require_tracing() -> None:
    """Raise BadSetting where OpenTelemetry is not installed."""
    try:
        found = find_spec("opentelemetry.sdk.trace")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise BadSetting("IRONFORGE_TRACING: OpenTelemetry is not installed: pip install -r requirements-tracing.txt")


def may_use_users(env: Environment) -> bool:
    """Return whether handlers may want Django's users: packages have models or name users, or Celery's tasks run."""
    return bool(env.celery_app) or any(_may_use_users(file) for name in env.handlers for file in _files_of(name))


def _files_of(name: str) -> Iterator[Path]:
    """Yield the Python files of a package or module, which is not imported: Django is not set up yet."""
    found = find_spec(name)
    if found is not None and found.submodule_search_locations is None and found.origin is not None:
        yield Path(found.origin)
    for folder in (found and found.submodule_search_locations) or ():
        yield from sorted(Path(folder).rglob("*.py"))


def _may_use_users(file: Path) -> bool:
    if file.stem == "models" or file.parent.name == "models":
        return True
    try:
        text = file.read_bytes()
    except OSError:
        return True
    return b"django.contrib.auth" in text or b"django.contrib.contenttypes" in text

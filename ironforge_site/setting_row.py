"""One line of the table of settings, and how a field of `environment.Environment` declares it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, cast

from ironforge_site.setting_types import SettingType

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what a setting is called, what it may be and what it does."""

    name: str
    kind: SettingType[object]
    default: str
    meaning: str
    is_secret: bool = False


def setting(name: str, kind: SettingType[T], default: str, meaning: str, *, is_secret: bool = False) -> T:
    """Return the field of a setting."""
    row = Row(name, cast("SettingType[object]", kind), default, meaning, is_secret)
    return cast("T", field(metadata={"row": row}, repr=not is_secret))

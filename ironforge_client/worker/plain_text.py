"""Texts of handlers as the server takes them."""

from __future__ import annotations

UNSPEAKABLE = "(its message cannot be shown)"


def plain(text: str) -> str:
    """Return a text that UTF-8 can carry: half surrogate pairs, as in odd names of files, become `\\udc..`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def message_of(error: BaseException) -> str:
    """Return what an exception says, or that it cannot say it."""
    try:
        return plain(str(error))
    except BaseException:  # noqa: BLE001 (an exception whose text cannot be made is still an exception)
        return UNSPEAKABLE
